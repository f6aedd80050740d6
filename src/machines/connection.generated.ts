/** What each event does in each state of connection.ts, written out from the definition there by `npm run diagrams`. */
import type { Args, Params, Written } from './implementations.ts';

export const connectionTransitions: Written = ({ effect, guard, assigned }) => {
  const outcomeOfEnd = assigned('end', 'outcome');
  const reasonOfEnd = assigned('end', 'reason');
  const end = (args: Args, params?: Params) => ({
    ...args.context,
    outcome: outcomeOfEnd(args, params),
    reason: reasonOfEnd(args, params),
  });
  const close = effect('close');
  const startGrace = effect('startGrace');
  const unexpected = effect('unexpected');
  const markComplete = (args: Args) => ({
    ...args.context,
    requestComplete: true,
  });
  const awaitSlot = effect('awaitSlot');
  const runHandler = effect('runHandler');
  const finishAnswer = effect('finishAnswer');
  const requestIsComplete = guard('requestIsComplete');
  const watchForHangUp = effect('watchForHangUp');
  const answerIsFlushed = guard('answerIsFlushed');
  const markFlushed = (args: Args) => ({
    ...args.context,
    answerFlushed: true,
  });

  return (state, args) => {
    const { type } = args.event;
    switch (state) {
      case 'listening':
        switch (type) {
          case 'HUNG_UP':
          case 'HALF_CLOSED':
            args.context = end(args, { outcome: 'pinged' });
            close(args);
            return 'closed';
          case 'PROTOCOL_ERROR':
            args.context = end(args, { outcome: 'protocol-error' });
            close(args);
            return 'closed';
          case 'LIMIT_EXCEEDED':
            args.context = end(args, { outcome: 'limit' });
            close(args);
            return 'closed';
          case 'TIMED_OUT':
            args.context = end(args, { outcome: 'timed-out' });
            close(args);
            return 'closed';
          case 'ABORTED':
            args.context = end(args, { outcome: 'aborted' });
            close(args);
            return 'closed';
          case 'BYTES':
            return 'reading-request';
          case 'DRAIN':
            startGrace(args);
            return 'listening';
          case 'GRACE_OVER':
            args.context = end(args, { outcome: 'refused' });
            close(args);
            return 'closed';
          case 'REQUEST_COMPLETE':
          case 'REQUEST_OUTGREW':
          case 'SLOT_AWAITED':
          case 'SLOT_GRANTED':
          case 'ANSWER_STARTED':
          case 'HANDLER_DONE':
          case 'HANDLER_FAILED':
          case 'ANSWER_FLUSHED':
            unexpected(args);
            return 'listening';
        }
        break;
      case 'reading-request':
        switch (type) {
          case 'HUNG_UP':
          case 'HALF_CLOSED':
            args.context = end(args, { outcome: 'hung-up' });
            close(args);
            return 'closed';
          case 'PROTOCOL_ERROR':
            args.context = end(args, { outcome: 'protocol-error' });
            close(args);
            return 'closed';
          case 'LIMIT_EXCEEDED':
            args.context = end(args, { outcome: 'limit' });
            close(args);
            return 'closed';
          case 'TIMED_OUT':
            args.context = end(args, { outcome: 'timed-out' });
            close(args);
            return 'closed';
          case 'ABORTED':
            args.context = end(args, { outcome: 'aborted' });
            close(args);
            return 'closed';
          case 'REQUEST_COMPLETE':
            args.context = markComplete(args);
            awaitSlot(args);
            return 'dispatching';
          case 'REQUEST_OUTGREW':
            awaitSlot(args);
            return 'dispatching';
          case 'DRAIN':
          case 'GRACE_OVER':
            return 'reading-request';
          case 'BYTES':
          case 'SLOT_AWAITED':
          case 'SLOT_GRANTED':
          case 'ANSWER_STARTED':
          case 'HANDLER_DONE':
          case 'HANDLER_FAILED':
          case 'ANSWER_FLUSHED':
            unexpected(args);
            return 'reading-request';
        }
        break;
      case 'dispatching':
        switch (type) {
          case 'HUNG_UP':
            args.context = end(args, { outcome: 'hung-up' });
            close(args);
            return 'closed';
          case 'PROTOCOL_ERROR':
            args.context = end(args, { outcome: 'protocol-error' });
            close(args);
            return 'closed';
          case 'LIMIT_EXCEEDED':
            args.context = end(args, { outcome: 'limit' });
            close(args);
            return 'closed';
          case 'TIMED_OUT':
            args.context = end(args, { outcome: 'timed-out' });
            close(args);
            return 'closed';
          case 'ABORTED':
            args.context = end(args, { outcome: 'aborted' });
            close(args);
            return 'closed';
          case 'SLOT_AWAITED':
          case 'DRAIN':
          case 'GRACE_OVER':
            return 'dispatching';
          case 'SLOT_GRANTED':
            runHandler(args);
            return 'dispatching';
          case 'REQUEST_COMPLETE':
            args.context = markComplete(args);
            return 'dispatching';
          case 'ANSWER_STARTED':
            return 'streaming-response';
          case 'HANDLER_DONE':
            finishAnswer(args);
            return 'streaming-response';
          case 'HANDLER_FAILED':
            args.context = end(args, { outcome: 'handler-failed' });
            close(args);
            return 'closed';
          case 'HALF_CLOSED':
            if (requestIsComplete(args)) {
              watchForHangUp(args);
              return 'dispatching';
            }
            args.context = end(args, { outcome: 'hung-up' });
            close(args);
            return 'closed';
          case 'BYTES':
          case 'REQUEST_OUTGREW':
          case 'ANSWER_FLUSHED':
            unexpected(args);
            return 'dispatching';
        }
        break;
      case 'streaming-response':
        switch (type) {
          case 'HUNG_UP':
            if (answerIsFlushed(args)) {
              args.context = end(args, { outcome: 'answered' });
              close(args);
              return 'closed';
            }
            args.context = end(args, { outcome: 'hung-up' });
            close(args);
            return 'closed';
          case 'PROTOCOL_ERROR':
            args.context = end(args, { outcome: 'protocol-error' });
            close(args);
            return 'closed';
          case 'LIMIT_EXCEEDED':
            args.context = end(args, { outcome: 'limit' });
            close(args);
            return 'closed';
          case 'TIMED_OUT':
            args.context = end(args, { outcome: 'timed-out' });
            close(args);
            return 'closed';
          case 'ABORTED':
            args.context = end(args, { outcome: 'aborted' });
            close(args);
            return 'closed';
          case 'REQUEST_COMPLETE':
            if (answerIsFlushed(args)) {
              args.context = end(args, { outcome: 'answered' });
              close(args);
              return 'closed';
            }
            args.context = markComplete(args);
            return 'streaming-response';
          case 'HANDLER_DONE':
            finishAnswer(args);
            return 'streaming-response';
          case 'HANDLER_FAILED':
            args.context = end(args, { outcome: 'handler-failed' });
            close(args);
            return 'closed';
          case 'ANSWER_FLUSHED':
            if (requestIsComplete(args)) {
              args.context = end(args, { outcome: 'answered' });
              close(args);
              return 'closed';
            }
            args.context = markFlushed(args);
            return 'streaming-response';
          case 'HALF_CLOSED':
            if (answerIsFlushed(args)) {
              args.context = end(args, { outcome: 'answered' });
              close(args);
              return 'closed';
            }
            if (requestIsComplete(args)) {
              watchForHangUp(args);
              return 'streaming-response';
            }
            args.context = end(args, { outcome: 'hung-up' });
            close(args);
            return 'closed';
          case 'DRAIN':
          case 'GRACE_OVER':
            return 'streaming-response';
          case 'BYTES':
          case 'REQUEST_OUTGREW':
          case 'SLOT_AWAITED':
          case 'SLOT_GRANTED':
          case 'ANSWER_STARTED':
            unexpected(args);
            return 'streaming-response';
        }
        break;
    }
    return undefined;
  };
};
