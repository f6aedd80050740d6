/** What each event does in each state of pool.ts, written out from the definition there by `npm run diagrams`. */
import type { Args, Params, Written } from './implementations.ts';

export const poolTransitions: Written = ({ effect, guard, assigned }) => {
  const reasonOfEnd = assigned('end', 'reason');
  const errorOfEnd = assigned('end', 'error');
  const end = (args: Args, params?: Params) => ({
    ...args.context,
    reason: reasonOfEnd(args, params),
    error: errorOfEnd(args, params),
  });
  const abandon = effect('abandon');
  const reportAcceptError = effect('reportAcceptError');
  const unexpected = effect('unexpected');
  const hasRoom = guard('hasRoom');
  const openOfCountIn = assigned('countIn', 'open');
  const countIn = (args: Args, params?: Params) => ({
    ...args.context,
    open: openOfCountIn(args, params),
  });
  const supervise = effect('supervise');
  const refuse = effect('refuse');
  const hurryConnections = effect('hurryConnections');
  const setDeadline = effect('setDeadline');
  const beginDrain = effect('beginDrain');
  const isEmpty = guard('isEmpty');
  const openOfCountOut = assigned('countOut', 'open');
  const countOut = (args: Args, params?: Params) => ({
    ...args.context,
    open: openOfCountOut(args, params),
  });
  const reportCrash = effect('reportCrash');
  const markClosed = (args: Args) => ({
    ...args.context,
    listening: false,
  });
  const abortConnections = effect('abortConnections');
  const isLast = guard('isLast');

  return (state, args) => {
    const { type } = args.event;
    switch (state) {
      case 'starting':
        switch (type) {
          case 'PUBLISHED':
            return 'accepting';
          case 'START_FAILED':
          case 'LISTENER_FAILED':
            args.context = end(args, { reason: 'failed' });
            abandon(args);
            return 'failed';
          case 'ACCEPT_FAILED':
            reportAcceptError(args);
            return 'starting';
          case 'CONNECTION':
          case 'QUIT':
          case 'DRAIN':
          case 'IDLE':
          case 'HANDOVER':
          case 'PATH_LOST':
          case 'LISTENER_CLOSED':
          case 'CRASHED_TOO_OFTEN':
          case 'DEADLINE':
            unexpected(args);
            return 'starting';
        }
        if (type === 'xstate.error.actor' || type.startsWith('xstate.error.actor.')) {
          unexpected(args);
          return 'starting';
        }
        if (type === 'xstate.done.actor' || type.startsWith('xstate.done.actor.')) {
          unexpected(args);
          return 'starting';
        }
        break;
      case 'accepting':
        switch (type) {
          case 'CONNECTION':
            if (hasRoom(args)) {
              args.context = countIn(args);
              supervise(args, { draining: false });
              return 'accepting';
            }
            refuse(args);
            return 'accepting';
          case 'QUIT':
            args.context = end(args, { reason: 'quit' });
            hurryConnections(args);
            setDeadline(args, { patient: false });
            beginDrain(args);
            return 'draining';
          case 'DRAIN':
            args.context = end(args, { reason: 'closed' });
            hurryConnections(args);
            setDeadline(args, { patient: false });
            beginDrain(args);
            return 'draining';
          case 'IDLE':
            if (isEmpty(args)) {
              args.context = end(args, { reason: 'idle' });
              setDeadline(args, { patient: true });
              beginDrain(args);
              return 'draining';
            }
            return 'accepting';
          case 'HANDOVER':
            args.context = end(args, { reason: 'handed-over' });
            setDeadline(args, { patient: true });
            beginDrain(args);
            return 'draining';
          case 'PATH_LOST':
            args.context = end(args, { reason: 'path-lost' });
            hurryConnections(args);
            setDeadline(args, { patient: false });
            beginDrain(args);
            return 'draining';
          case 'CRASHED_TOO_OFTEN':
          case 'LISTENER_FAILED':
            args.context = end(args, { reason: 'failed' });
            abandon(args);
            return 'failed';
          case 'ACCEPT_FAILED':
            reportAcceptError(args);
            return 'accepting';
          case 'PUBLISHED':
          case 'START_FAILED':
          case 'LISTENER_CLOSED':
          case 'DEADLINE':
            unexpected(args);
            return 'accepting';
        }
        if (type === 'xstate.error.actor' || type.startsWith('xstate.error.actor.')) {
          args.context = countOut(args);
          reportCrash(args);
          return 'accepting';
        }
        if (type === 'xstate.done.actor' || type.startsWith('xstate.done.actor.')) {
          args.context = countOut(args);
          return 'accepting';
        }
        break;
      case 'draining':
        switch (type) {
          case 'CONNECTION':
            if (hasRoom(args)) {
              args.context = countIn(args);
              supervise(args, { draining: true });
              return 'draining';
            }
            refuse(args);
            return 'draining';
          case 'LISTENER_CLOSED':
            if (isEmpty(args)) {
              args.context = markClosed(args);
              return 'stopped';
            }
            args.context = markClosed(args);
            return 'draining';
          case 'DEADLINE':
            abortConnections(args);
            return 'draining';
          case 'DRAIN':
            hurryConnections(args);
            setDeadline(args, { patient: false });
            return 'draining';
          case 'QUIT':
          case 'IDLE':
          case 'HANDOVER':
          case 'PATH_LOST':
          case 'CRASHED_TOO_OFTEN':
            return 'draining';
          case 'ACCEPT_FAILED':
            reportAcceptError(args);
            return 'draining';
          case 'LISTENER_FAILED':
            args.context = end(args, { reason: 'failed' });
            abandon(args);
            return 'failed';
          case 'PUBLISHED':
          case 'START_FAILED':
            unexpected(args);
            return 'draining';
        }
        if (type === 'xstate.error.actor' || type.startsWith('xstate.error.actor.')) {
          if (isLast(args)) {
            args.context = countOut(args);
            reportCrash(args);
            return 'stopped';
          }
          args.context = countOut(args);
          reportCrash(args);
          return 'draining';
        }
        if (type === 'xstate.done.actor' || type.startsWith('xstate.done.actor.')) {
          if (isLast(args)) {
            args.context = countOut(args);
            return 'stopped';
          }
          args.context = countOut(args);
          return 'draining';
        }
        break;
    }
    return undefined;
  };
};
