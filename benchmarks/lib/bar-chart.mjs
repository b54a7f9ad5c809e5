/** Renders a horizontal bar chart as SVG, readable on light and dark pages. */

const WIDTH = 860
const MARGIN = 28
const LABELS = 262
const BAR = 20
const ROW = 30
const GROUP_GAP = 20
/** Space to the right of the longest bar for its figure, and per character of its note. */
const FIGURE = 84
const CHARACTER = 7.2

const css = `
text { font: 14px ui-sans-serif, system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #24292f }
.page { fill: #ffffff; stroke: #d8dee4 }
.title { font-size: 18px; font-weight: 600 }
.group { font-weight: 600 }
.quiet { fill: #636c76 }
.small { font-size: 12px }
.label { text-anchor: end }
.strong { font-weight: 600 }
.bar { fill: #afb8c1 }
.limit { fill: #6e7781 }
.ours { fill: #0a7f5a }
.axis { stroke: #d8dee4 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.page { fill: #0d1117; stroke: #30363d }
.quiet { fill: #9198a1 }
.bar { fill: #484f58 }
.limit { fill: #848d97 }
.ours { fill: #2fb787 }
.axis { stroke: #30363d }
}`

/**
 * Groups of bars: `{ title, subtitle, unit, source, groups: [{ title, bars: [{ label, value, note, isOurs, isLimit }] }] }`. All share one
 * scale, unless `isScaledByGroup`.
 */
export function barChart({ title, subtitle, unit, source, groups, isScaledByGroup = false }) {
  const all = groups.flatMap(({ bars }) => bars)
  const figures = FIGURE + CHARACTER * Math.max(...all.map(({ note }) => note.length))
  const scaleOf = (bars) => (WIDTH - 2 * MARGIN - LABELS - figures) / Math.max(...bars.map(({ value }) => value))
  const parts = [text(MARGIN, 40, title, 'title'), text(MARGIN, 62, subtitle, 'quiet')]
  let y = 86
  for (const group of groups) {
    if (group.title !== undefined) {
      parts.push(text(MARGIN, y + 14, group.title, 'group'))
      y += 26
    }
    const top = y
    const scale = scaleOf(isScaledByGroup ? group.bars : all)
    for (const bar of group.bars) {
      parts.push(drawBar(bar, y, scale, unit))
      y += ROW
    }
    const x = MARGIN + LABELS
    parts.push(`<line class="axis" x1="${x}" y1="${top - 3}" x2="${x}" y2="${y - ROW + BAR + 3}"/>`)
    y += GROUP_GAP
  }
  parts.push(text(MARGIN, y + 8, source, 'quiet small'))
  const height = y + 28
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeXml(`${title}. ${subtitle}`)}">`,
    `<style>${css}\n</style>`,
    `<rect class="page" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    ...parts,
    '</svg>\n'
  ].join('\n')
}

function drawBar({ label, value, note, isOurs, isLimit }, y, scale, unit) {
  const x = MARGIN + LABELS
  const width = Math.max(2, value * scale)
  const kind = isOurs ? 'ours' : isLimit ? 'limit' : 'bar'
  const figure = `<tspan class="strong">${figureOf(value)} ${unit}</tspan>${note ? `<tspan class="quiet" dx="8">${escapeXml(note)}</tspan>` : ''}`
  return [
    `<text class="label${isOurs ? ' strong' : ''}" x="${x - 10}" y="${y + 15}">${escapeXml(label)}</text>`,
    `<rect class="${kind}" x="${x}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="3"/>`,
    `<text x="${(x + width + 8).toFixed(1)}" y="${y + 15}">${figure}</text>`
  ].join('')
}

function figureOf(value) {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en').replaceAll(',', ' ')
}

function text(x, y, content, name) {
  return `<text class="${name}" x="${x}" y="${y}">${escapeXml(content)}</text>`
}

function escapeXml(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
