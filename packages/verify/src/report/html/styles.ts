/**
 * The page's one style sheet. Colours are variables: light by default and always in print, dark where a screen asks for
 * it; all text has a contrast of 4.5 to 1 or more in both. What colour says is also said by a mark, a word or a line.
 */
export const STYLES = `
:root {
  color-scheme: light dark;
  --page: #f6f7f8; --panel: #ffffff; --ink: #1b1f24; --muted: #57606a; --line: #d8dee4; --faint: #eef1f4;
  --pass: #116b3c; --pass-tint: #e3f5ea; --fail: #b3181f; --fail-tint: #fdeaea; --error: #7d4e00; --error-tint: #fdf2da;
  --fp32: #1f5fbf; --fp16: #b35200; --link: #0b57c2;
  --prompt-band: #e7ecf2; --fail-band: #f6b6b6; --inaccurate-band: #f7dfa3;
  --h0: #f1f6fb; --h1: #dbe9f6; --h2: #bcd7ee; --h3: #8fbce0; --h4: #5f9fd0; --on-heat: #10202f; --wrong: #b3181f; --on-wrong: #ffffff;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #0f1216; --panel: #171b21; --ink: #e6eaef; --muted: #a0abb8; --line: #303842; --faint: #20262e;
    --pass: #56d08c; --pass-tint: #10281b; --fail: #ff8f88; --fail-tint: #351618; --error: #f0bd52; --error-tint: #32260d;
    --fp32: #7db4ff; --fp16: #ffaa5c; --link: #8ab8ff;
    --prompt-band: #252d37; --fail-band: #6e2227; --inaccurate-band: #5a4716;
    --h0: #1a222b; --h1: #1d3043; --h2: #20425f; --h3: #24557d; --h4: #2a6a9c; --on-heat: #f2f6fa; --wrong: #ff8f88; --on-wrong: #2b0608;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; overflow-wrap: break-word; }
.panel > *, summary > *, dl.facts > * { min-width: 0; max-width: 100%; }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
a { color: var(--link); text-underline-offset: .15em; }
h1, h2, h3 { line-height: 1.2; margin: 0; text-wrap: balance; }
h2 { font-size: 1.3rem; margin-bottom: .75rem; }
h3 { font-size: 1rem; }
p { margin: .5rem 0; }
ul, ol { margin: .5rem 0; padding-left: 1.4rem; }
li { margin: .2rem 0; }
code { font: .88em ui-monospace, monospace; overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.muted { color: var(--muted); }
.small { font-size: .86rem; }
.whole { white-space: nowrap; }
.gap { margin-top: 1.2rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 1.25rem 1.4rem; margin: 1.25rem 0; }

.verdict { border-left: 8px solid var(--tone); background: var(--tint); margin-top: 0; }
.pass { --tone: var(--pass); --tint: var(--pass-tint); }
.fail { --tone: var(--fail); --tint: var(--fail-tint); }
.error { --tone: var(--error); --tint: var(--error-tint); }
.verdict .tool { margin: 0; color: var(--ink); font-size: .9rem; }
.verdict h1 { font-size: clamp(2.6rem, 7vw, 3.8rem); letter-spacing: .01em; color: var(--tone); margin: .1rem 0 .4rem; }
.verdict .why { font-size: 1.15rem; max-width: 60ch; margin: 0; overflow-wrap: anywhere; }
.verdict ul { color: var(--ink); overflow-wrap: anywhere; }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .8rem 1.5rem; margin: 1.1rem 0 0; }
dl.facts dt { color: var(--muted); font-size: .82rem; }
.verdict dl.facts dt { color: var(--ink); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }

nav { font-size: .95rem; margin: .9rem 0 0; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; }

.notes { border-left: 8px solid var(--error); }
.notes ul { padding-left: 1.1rem; margin: 0; overflow-wrap: anywhere; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); padding: 0 0 .5rem; }
th, td { padding: .38rem .8rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
thead th { color: var(--muted); font-weight: 500; font-size: .86rem; white-space: nowrap; }
tbody th { font-weight: 500; }
td.number, th.number { text-align: right; }
table.wide { width: 100%; }
.narrow { width: 1%; }
.failing td:nth-child(-n+4) { overflow-wrap: anywhere; }
td small, th small { color: var(--muted); display: block; font-size: .8rem; font-weight: 400; }
.bad { color: var(--fail); font-weight: 600; }
.good { color: var(--pass); }
.badge { display: inline-block; color: var(--tone); background: var(--tint); border: 1px solid var(--tone); border-radius: 99px; padding: .02rem .6rem; font-size: .82rem; font-weight: 600; white-space: nowrap; }

.findings { list-style: none; padding: 0; counter-reset: finding; margin: .75rem 0; }
.findings > li { counter-increment: finding; position: relative; padding: .1rem 0 .8rem 2.6rem; overflow-wrap: anywhere; }
.findings > li::before { content: counter(finding); position: absolute; left: 0; top: .1rem; width: 1.7rem; height: 1.7rem; border-radius: 50%; background: var(--fail-tint); color: var(--fail); border: 1px solid; display: grid; place-items: center; font-size: .86rem; font-weight: 600; }
.findings strong { font-size: 1.05rem; }
.tag { display: inline-block; background: var(--faint); border: 1px solid var(--line); border-radius: 5px; padding: 0 .5rem; margin: .15rem .25rem .15rem 0; font-size: .88rem; }
.conclusions { background: var(--faint); border-radius: 8px; padding: .8rem 1.1rem; margin: .25rem 0 0; max-width: 75ch; overflow-wrap: anywhere; }
.conclusions h3 { color: var(--muted); font-weight: 600; font-size: .88rem; }
.conclusions p { margin: .4rem 0 0; }
.diagnosis + .diagnosis { border-top: 1px solid var(--line); margin-top: 1.2rem; padding-top: 1.2rem; }

.boards { display: flex; flex-wrap: wrap; gap: 1.5rem 2.5rem; }
.boards > div { max-width: 100%; }
.boards.several { gap: 1.5rem; } .boards.several .heat { border-spacing: 1px; } .boards.several .heat td { min-width: 3.3rem; padding: .25rem .3rem; font-size: .8rem; }
.heat { border-collapse: separate; border-spacing: 2px; }
.heat th, .heat td { border: 0; padding: .28rem .5rem; }
.heat tbody th { color: var(--muted); font-size: .86rem; white-space: nowrap; }
.heat td { min-width: 3.9rem; text-align: center; font-size: .86rem; border-radius: 4px; color: var(--on-heat); white-space: nowrap; }
.heat td.none { color: var(--muted); }
.h0 { background: var(--h0); } .h1 { background: var(--h1); } .h2 { background: var(--h2); } .h3 { background: var(--h3); } .h4 { background: var(--h4); }
.heat td.wrong, .scale .wrong { background: var(--wrong); color: var(--on-wrong); font-weight: 700; outline: 2px solid var(--ink); outline-offset: -1px; }
.scale { display: flex; flex-wrap: wrap; gap: 2px; padding: 0; margin: .9rem 0 0; list-style: none; font-size: .82rem; }
.scale li { padding: .1rem .7rem; margin: 0; color: var(--on-heat); border-radius: 4px; }

details.prompt { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; margin: .7rem 0; }
details.prompt > summary { cursor: pointer; padding: .7rem 1.1rem; display: flex; flex-wrap: wrap; align-items: baseline; gap: .2rem .8rem; }
details.prompt > summary::before { content: "▸"; color: var(--muted); width: .8rem; }
details.prompt[open] > summary::before { content: "▾"; }
details.prompt > summary::-webkit-details-marker { display: none; }
details.prompt > summary h3 { overflow-wrap: anywhere; }
details.prompt > div { padding: 0 1.4rem 1.2rem; }
details.prompt h4 { font-size: .95rem; margin: 1.2rem 0 .4rem; }
.story { font-size: 1.04rem; line-height: 1.95; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: 8px; padding: .7rem 1rem; max-width: none; margin: .3rem 0; }
.story .given { background: var(--prompt-band); box-shadow: 0 0 0 2px var(--prompt-band); border-radius: 2px; }
.story .special { color: var(--muted); font-size: .8em; border: 1px solid var(--line); border-radius: 4px; padding: 0 .25em; margin-right: .3em; }
.story mark { color: inherit; background: none; text-decoration: underline; text-decoration-thickness: 2px; text-underline-offset: .22em; }
.story mark.failing { color: var(--fail); font-weight: 600; text-decoration-color: var(--fail); }
.story mark.inaccurate { text-decoration-style: dashed; text-decoration-color: var(--error); }
.story mark.tied { text-decoration-style: dotted; text-decoration-color: var(--muted); }
.story .instead { border: 1px solid currentColor; border-radius: 5px; padding: 0 .3em; margin: 0 .15em; font-size: .82em; font-weight: 600; color: var(--fail); background: var(--panel); white-space: pre-wrap; }
.story .instead.inaccurate { color: var(--error); border-style: dashed; }
.story .instead.tied { color: var(--muted); border-style: dotted; font-weight: 400; }
.legend { display: flex; flex-wrap: wrap; gap: .15rem 1.2rem; color: var(--muted); font-size: .85rem; margin: .6rem 0; }
.key { display: inline-flex; align-items: center; gap: .4rem; }
.swatch { width: 28px; height: 9px; display: inline-block; }
span.swatch.prompt { background: var(--prompt-band); } span.swatch.failing { background: var(--fail-band); } span.swatch.inaccurate { background: var(--inaccurate-band); }
.fork { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .8rem; margin: .6rem 0; }
.fork > div { border: 1px solid var(--line); border-left: 5px solid var(--way); border-radius: 8px; padding: .6rem 1rem; overflow-wrap: anywhere; }
.fork .reference { --way: var(--fp32); } .fork .npu { --way: var(--fp16); }
.fork strong { font-size: 1.15rem; white-space: pre-wrap; }
.fork p { margin: .1rem 0; }

figure { margin: .9rem 0 0; }
figcaption { font-size: .88rem; color: var(--muted); }
.plot { display: block; width: 100%; min-width: 34rem; height: auto; overflow: visible; color: var(--muted); font-family: inherit; }
.line { fill: none; stroke-width: 1.8; } .line.fp32, .limit.fp32, .stem.fp32 { stroke: var(--fp32); } .line.fp16, .limit.fp16, .stem.fp16 { stroke: var(--fp16); }
.limit { fill: none; stroke-width: 1.2; stroke-dasharray: 5 4; }
.stem { stroke-width: 1.5; }
.dot { stroke: none; } .dot.fp32 { fill: var(--fp32); } .dot.fp16 { fill: var(--fp16); }
.grid { stroke: var(--line); stroke-width: 1; }
.axis { stroke: var(--muted); }
.plot .band { stroke: none; } .plot .band.prompt { fill: var(--prompt-band); } .plot .band.failing { fill: var(--fail-band); } .plot .band.inaccurate { fill: var(--inaccurate-band); }
footer { color: var(--muted); font-size: .88rem; margin-top: 2rem; }

@media (max-width: 36rem) {
  main { padding: .8rem .7rem 3rem; }
  .panel { padding: 1rem; }
  details.prompt > div { padding: 0 .9rem 1rem; }
  th, td { padding: .35rem .55rem; }
}
@media print {
  :root { color-scheme: light; }
  body { background: #ffffff; font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  nav { display: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .panel, details.prompt { border-radius: 0; }
  .scroll { overflow: visible; }
  .plot { min-width: 0; }
  table { max-width: 100%; }
  th, td { padding: .25rem .45rem; }
  td, th { overflow-wrap: anywhere; }
  thead th, .heat td, .heat tbody th { white-space: normal; }
  thead th { overflow-wrap: normal; }
  .heat td { min-width: 0; }
  .verdict, .notes, figure, tr, .findings > li, .conclusions, .fork, .boards > div { break-inside: avoid; }
  h2, h3, h4, summary, figcaption, caption { break-after: avoid; }
  a { color: inherit; text-decoration: none; }
}
`;
