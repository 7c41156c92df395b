const undo: (() => void)[] = [];

/** Puts another function in a method's place, until undoPatches(). */
export function replaceMethod<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  replacement: Target[Name],
): void {
  const right = target[name];
  undo.push(() => {
    target[name] = right;
  });
  target[name] = replacement;
}

/** Puts every method back. */
export function undoPatches(): void {
  for (const put of undo.splice(0).reverse()) put();
}
