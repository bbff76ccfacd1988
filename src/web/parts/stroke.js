// The part of the range in which a wave moves.

/** The usable part of the range. */
export function stroke_mm(state) {
  return Math.min(state.range_mm ?? state.in_force.limits.stroke_limit_mm, state.in_force.limits.stroke_limit_mm);
}

/** The part of the stroke that a wave with these fields fills. */
export function windowOf(fields, stroke) {
  const from_mm = fields.offset_mm ?? (fields.offset ?? 0) * stroke;
  const length = fields.amplitude_mm ?? (fields.amplitude === undefined ? stroke - from_mm : fields.amplitude * stroke);
  return { from_mm, to_mm: Math.min(from_mm + length, stroke) };
}
