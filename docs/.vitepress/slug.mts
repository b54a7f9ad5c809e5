/** The anchor of a heading, computed as GitHub does, so that links with anchors work in the repository and on the site. */

/** The anchor of the first heading with this text. Another heading with the same text gets `-1`, and so on. */
export function slugOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-')
}
