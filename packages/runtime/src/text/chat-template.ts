/** A user's turn as Llama 2's chat models were trained on it (run.c's -m chat). */
export function renderTurn(user: string, system: string): string {
  return system === '' ? `[INST] ${user} [/INST]` : `[INST] <<SYS>>\n${system}\n<</SYS>>\n\n${user} [/INST]`;
}
