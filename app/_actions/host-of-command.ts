import { runtime } from '@/lib/dashboard/runtime';

/** The id of a command's host; empty when the command does not exist. */
export async function hostOfCommand(commandId: string): Promise<string[]> {
  const command = await runtime().fleet.command(commandId);
  return command === null ? [] : [command.hostId];
}
