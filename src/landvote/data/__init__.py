"""The nouns: radiograph, points, scheme, sample, prediction; nothing here reads pixels or learns."""
