'use server';

import { z } from 'zod';
import { operatorAction } from '@/lib/auth/next/action';
import { runtime } from '@/lib/dashboard/runtime';

const EXTENSION_MS = 10 * 60_000;
const RECENT_COMMANDS = 20;

const id = z.string().min(1).max(64);

/** Gives a command that takes too long ten more minutes. False when it is not in that state (any more). */
export const extendCommand = operatorAction(z.object({ commandId: id }), ({ commandId }, { by }) =>
  runtime().fleet.extend(commandId, EXTENSION_MS, by),
);

/** A command; null when it is not there (any more). */
export const findCommand = operatorAction(z.object({ commandId: id }), ({ commandId }) =>
  runtime().fleet.command(commandId),
);

/** The last commands of a host, newest first. */
export const recentCommands = operatorAction(z.object({ hostId: id }), ({ hostId }) =>
  runtime().fleet.commandsOf(hostId, RECENT_COMMANDS),
);
