'use server';

import { z } from 'zod';
import { hostOfCommand } from '@/app/_actions/host-of-command';
import { operatorAction } from '@/lib/auth/next/action';
import { runtime } from '@/lib/dashboard/runtime';

const EXTENSION_MS = 10 * 60_000;
const RECENT_COMMANDS = 20;

const id = z.string().min(1).max(64);

/** Extends the deadline of an overdue command by ten minutes. False when the command is no longer overdue. */
export const extendCommand = operatorAction(
  { verb: 'operate', hosts: ({ commandId }) => hostOfCommand(commandId) },
  z.object({ commandId: id }),
  ({ commandId }, { by }) => runtime().fleet.extend(commandId, EXTENSION_MS, by),
);

/**
 * Keeps the new system of a confirmed switch, or goes back to the previous one. Stored, and repeated until the host acts on
 * it; the first operator's answer counts.
 */
export const answerConfirmation = operatorAction(
  { verb: 'operate', hosts: ({ commandId }) => hostOfCommand(commandId) },
  z.object({ commandId: id, keep: z.boolean() }),
  ({ commandId, keep }, { by }) => runtime().fleet.answerConfirmation(commandId, keep, by),
);

/** A command; null when it does not exist. */
export const findCommand = operatorAction(
  { verb: 'view', hosts: ({ commandId }) => hostOfCommand(commandId) },
  z.object({ commandId: id }),
  ({ commandId }) => runtime().fleet.command(commandId),
);

/** The latest commands of a host, newest first. */
export const recentCommands = operatorAction(
  { verb: 'view', hosts: ({ hostId }) => [hostId] },
  z.object({ hostId: id }),
  ({ hostId }) => runtime().fleet.commandsOf(hostId, RECENT_COMMANDS),
);
