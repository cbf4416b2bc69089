"""The page's CSS: one column of readable text, light or dark as the reader's system is, and printable."""

CSS = """
:root { color-scheme: light dark; --ink: #1f2328; --soft: #59636e; --rule: #d8dee4; --paper: #fff; --wash: #f6f8fa;
  --warn: #fff4e5; --edge: #d55e00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --soft: #9aa4ae; --rule: #343b43; --paper: #14181c; --wash: #1c2126; --warn: #33261a; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 852px; padding: 44px 28px 64px; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
header { margin-bottom: 28px; }
h1 { margin: 0; font-size: 30px; line-height: 1.2; letter-spacing: -.015em; overflow-wrap: anywhere; }
h2 { margin: 48px 0 12px; font-size: 19px; line-height: 1.3; letter-spacing: -.005em; }
h3 { margin: 0 0 6px; font-size: 14px; color: var(--soft); font-weight: 600; }
p { margin: 0 0 10px; max-width: 42em; }
.lead { margin: 8px 0 0; font-size: 18px; line-height: 1.45; }
.facts, .note { color: var(--soft); font-size: 14px; }
.facts { margin: 10px 0 0; }
.notice { margin: 0 0 28px; padding: 10px 14px; border-left: 3px solid var(--edge); background: var(--warn);
  font-size: 15px; }
.findings { margin: 0; padding-left: 1.15em; max-width: 44em; }
.findings li { margin: 0 0 6px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 500; color: var(--soft); }
.numbers { margin-bottom: 8px; }
.numbers th, .numbers td { padding: 7px 0 7px 44px; border-bottom: 1px solid var(--rule); text-align: right; }
.numbers thead th { padding-top: 0; font-size: 14px; }
.numbers th:first-child { padding-left: 0; min-width: 96px; text-align: left; }
.numbers tbody th { color: var(--ink); }
.numbers td { font-size: 19px; }
.dot { display: inline-block; width: 10px; height: 10px; margin-right: 9px; border-radius: 50%; }
.plain { width: 100%; font-size: 14px; }
.plain th, .plain td { padding: 4px 0; border-bottom: 1px solid var(--rule); vertical-align: baseline;
  line-height: 1.45; }
.plain th { padding-right: 20px; overflow-wrap: break-word; }
.plain td { text-align: right; overflow-wrap: anywhere; }
code, .plain td { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: 13px; }
code { overflow-wrap: anywhere; }
.pair { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(300px, 100%), 1fr)); gap: 28px; }
figure { margin: 0 0 32px; }
.pair figure { margin: 0; display: grid; grid-row: span 2; grid-template-rows: subgrid; gap: 8px; }
.pair figcaption { margin: 0; }
.digest { margin-top: 28px; }
figcaption { margin: 0 0 8px; font-size: 15px; font-weight: 600; line-height: 1.35; max-width: 46em; }
figure img { display: block; max-width: 100%; height: auto; }
footer { margin-top: 56px; padding-top: 14px; border-top: 1px solid var(--rule); }
@media (prefers-color-scheme: dark) { figure img { padding: 8px; border-radius: 6px; background: #fff; } }
@media print {
  :root { --ink: #000; --soft: #444; --rule: #ccc; --paper: #fff; --wash: #fff; --warn: #fff; }
  body { max-width: none; padding: 0; font-size: 11pt; }
  figure, table, .notice { break-inside: avoid; }
  h2 { break-after: avoid; }
  .pair { grid-template-columns: 1fr 1fr; }
}
@page { margin: 18mm 16mm; }
"""
