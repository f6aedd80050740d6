import { createActor, type ActorLogic, type AnyActorLogic, type AnyActorRef } from 'xstate';
import type { CompiledLogic, CompiledSnapshot } from '../machines/compile.ts';
import type { ConnectionEvent, connectionMachine } from '../machines/connection.ts';
import type { Connection } from './connection.ts';

/** Gives a connection its actor, a child of the pool's. */
export type StartActor = (connection: Connection) => void;

/** An actor for each connection, which ends with it: XState's own way. */
export function freshActors(logic: AnyActorLogic, parent: AnyActorRef): StartActor {
  return (connection) => {
    const actor = createActor(logic, { id: connection.name, parent, input: connection });
    connection.actor = actor;
    actor.start();
  };
}

type Logic = CompiledLogic<typeof connectionMachine>;
type MachineSnapshot = CompiledSnapshot<typeof connectionMachine>;
type MachineScope = Parameters<Logic['transition']>[2];

/** Has an actor run the machine from its start, for this connection. */
interface Begin {
  readonly type: 'simple-ipc.begin';
  readonly connection: Connection;
}

/** What an actor shows that has no connection. It holds nothing of the last one. */
const PARKED = { status: 'active', value: 'closed', output: undefined, error: undefined } as MachineSnapshot;

/**
 * Actors that take one connection after another, and tell their parent what XState tells it when an actor ends or fails:
 * making an actor and ending it costs XState as much as all the transitions of a short request. There are as many as
 * connections were open at once: at most `maxConnections`, of about 1 KB each.
 *
 * @param isObserved - Somebody sees what the parent is told: its events are named after the connection, which costs a
 *   string for each.
 */
export function reusedActors(logic: Logic, parent: AnyActorRef, isObserved: () => boolean): StartActor {
  const free: AnyActorRef[] = [];

  const tellDone = (connection: Connection, output: unknown) => {
    if (!isObserved()) return parent.send({ type: 'xstate.done.actor', output });
    const { name } = connection;
    parent.send({ type: `xstate.done.actor.${name}`, actorId: name, output });
  };

  const reused: ActorLogic<MachineSnapshot, ConnectionEvent | Begin, undefined> = {
    getInitialSnapshot: () => PARKED,
    transition(snapshot, event, scope) {
      const machineScope = scope as unknown as MachineScope;
      if (event.type === 'simple-ipc.begin') return logic.getInitialSnapshot(machineScope, event.connection);
      const connection = snapshot.context.effects as Connection;
      let next = snapshot;
      connection.taking = true;
      try {
        // What effects send meanwhile is taken in the same go, and needs no way through the mailbox.
        for (
          let taken: ConnectionEvent | undefined = event;
          taken !== undefined;
          taken = connection.nextEvent()
        )
          next = logic.transition(next, taken, machineScope);
      } catch (error) {
        const { name } = connection;
        free.push(scope.self as AnyActorRef);
        parent.send({ type: `xstate.error.actor.${name}`, actorId: name, error });
        return PARKED;
      }
      connection.taking = false;
      if (next.status !== 'done') return next;
      free.push(scope.self as AnyActorRef);
      tellDone(connection, next.output);
      return PARKED;
    },
    getPersistedSnapshot: (snapshot) => snapshot,
  };

  return (connection) => {
    // An actor keeps its input for ever, so it gets none: the first connection begins as every other.
    const actor = free.pop() ?? createActor(reused as AnyActorLogic, { parent }).start();
    connection.actor = actor;
    actor.send({ type: 'simple-ipc.begin', connection });
  };
}
