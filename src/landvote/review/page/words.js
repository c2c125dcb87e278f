// Times and lengths in words.

const MINUTE = 60;

export function ago(when, now = Date.now()) {
  if (!when) return "";
  const seconds = Math.max(0, (now - Date.parse(when)) / 1000);
  for (const [size, word] of [[86400, "day"], [3600, "hour"], [MINUTE, "minute"]]) {
    const n = Math.floor(seconds / size);
    if (n) return `${n} ${word}${n > 1 ? "s" : ""} ago`;
  }
  return "just now";
}

export function lasted(seconds) {
  const whole = Math.round(seconds);
  return whole < MINUTE ? `${whole} s` : `${Math.floor(whole / MINUTE)} min ${whole % MINUTE} s`;
}

// Pixels of a film as a length: in mm where its spacing is known.
export function length(pixels, spacing) {
  return spacing ? `${((pixels * (spacing.x + spacing.y)) / 2).toFixed(1)} mm` : `${pixels.toFixed(1)} px`;
}
