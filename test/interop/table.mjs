/** The table of docs/compatibility.md. Types are in table.d.mts. */

/** The first column is empty: a row begins with a bar. */
const VERSION_COLUMN = 2

/** A row for each result. */
export function tableOf(results) {
  return ['| implementation | version | language | accepted | rejected |', '|---|---|---|---|---|', ...results.map(rowOf)].join(
    '\n'
  )
}

function rowOf({ name, version, language, accepted, rejected, failure }) {
  if (version === undefined) return row(name, 'not installed', language, '', '')
  if (failure !== undefined) return row(name, version, language, 'fails', '')
  return row(name, version, language, accepted.join(', '), rejected.join(', '))
}

function row(...cells) {
  return `|${cells.map((cell) => (cell === '' ? ' |' : ` ${cell} |`)).join('')}`
}

/** The rows of a committed table that differ from results, except for versions. An implementation that is not installed does not differ. */
export function findOutdatedRows(committed, results) {
  const rows = committed.trim().split('\n').slice(2).map(withoutVersion)
  const passed = results.filter(({ version, failure }) => version !== undefined && failure === undefined)
  const current = passed.map((result) => withoutVersion(rowOf(result)))
  const isOfResult = (line) => results.some(({ name }) => line.startsWith(`| ${name} |`))
  return [...current.filter((line) => !rows.includes(line)), ...rows.filter((line) => !isOfResult(line))]
}

function withoutVersion(line) {
  return line.split('|').toSpliced(VERSION_COLUMN, 1).join('|')
}
