/** The style of a report's page: light, dark and on paper. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ground: #fff; --panel: #f6f7f9; --ink: #1a1f2b; --faint: #5c6575; --grid: #e2e5ea; --good: #15803d; --bad: #b91c1c;
  --series-1: #2563eb; --series-2: #d97706; --series-3: #059669; --series-4: #db2777; --series-5: #7c3aed; --series-6: #0891b2; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171d; --panel: #1c2028; --ink: #e6e9ef; --faint: #97a0b0; --grid: #2c323d; --good: #4ade80; --bad: #f87171;
  --series-1: #60a5fa; --series-2: #fbbf24; --series-3: #34d399; --series-4: #f472b6; --series-5: #a78bfa; --series-6: #22d3ee; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 1200px; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .8rem; padding-bottom: .3rem; border-bottom: 1px solid var(--grid); }
p { margin: .3rem 0; color: var(--faint); max-width: 75ch; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .4rem 1rem; }
.badge { padding: .1rem .7rem; border-radius: 1rem; border: 1.5px solid currentColor; font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: .8rem; margin: 1.4rem 0; }
.tile { background: var(--panel); border-radius: .5rem; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.45rem; line-height: 1.25; font-weight: 650; }
.tile span { color: var(--faint); font-size: .85rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin-bottom: 1rem; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .3rem .9rem .3rem 0; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th { color: var(--faint); font-weight: 500; } th:first-child, td:first-child { text-align: left; }
table.words th, table.words td { text-align: left; white-space: normal; } table.words td:first-child { white-space: nowrap; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 460px), 1fr)); gap: 1rem; margin-top: 1rem; }
.charts figure { margin: 0; background: var(--panel); border-radius: .5rem; padding: .5rem; }
svg { width: 100%; height: auto; display: block; } svg text { font: 11px system-ui, sans-serif; } svg .chart-title { font-size: 13px; font-weight: 600; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 0 2.5rem; align-items: start; }
@media (max-width: 500px) { .pair, .charts { grid-template-columns: 1fr; } body { padding: 1rem .8rem; } }
@media print { :root { color-scheme: light; --ground: #fff; --panel: #fff; --ink: #000; --faint: #444; --grid: #ccc; --good: #15803d; --bad: #b91c1c;
  --series-1: #2563eb; --series-2: #d97706; --series-3: #059669; --series-4: #db2777; --series-5: #7c3aed; --series-6: #0891b2; }
  body { max-width: none; padding: 0; font-size: 11px; } figure, table, .tile { break-inside: avoid; } .charts figure, .tile { border: 1px solid var(--grid); } h2 { break-after: avoid; } }
`;
