"""The contact sheet as a page: one file beside its small pictures, without a script, in light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from deepfuse.batch.entries import Entry

GENERATOR = '<meta name="generator" content="deepfuse batch">'
_WORDS = {"failed": "refused", "gone": "gone", "kept": "kept", "done": ""}
_LONG = 120  # letters of what is shown unfolded
_STYLE = """
:root { --ground: #f6f6f4; --card: #fff; --ink: #1d1d1b; --soft: #5c5c58; --line: #d4d4cf; --link: #14599c;
  --bad: #a3261c; --care: #8a5a00; color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --ground: #181817; --card: #232322; --ink: #ececea; --soft: #a8a8a2;
  --line: #3d3d3a; --link: #79b4ec; --bad: #f08a80; --care: #e0b050; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 100rem; padding: 1rem; background: var(--ground); color: var(--ink); }
h1, h2, h3 { margin: 0; overflow-wrap: anywhere; } h1 { font-size: 1.3rem; }
h2 { font-size: 1.1rem; margin: 1.4rem 0 .6rem; }
h3 { font-size: 1rem; } p, ul { margin: .2rem 0; } .soft { color: var(--soft); } a { color: var(--link); }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(16rem, 100%), 1fr)); gap: .8rem;
  align-items: start; }
article { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .6rem;
  overflow: hidden; content-visibility: auto; contain-intrinsic-size: auto 18rem; }
article.look { border-color: var(--care); } article.failed, article.gone { border-color: var(--bad); }
.shown { display: grid; place-items: center; aspect-ratio: 3 / 2; margin-bottom: .5rem; background: var(--ground);
  border-radius: .3rem; color: var(--soft); text-decoration: none; }
.shown img { width: 100%; height: 100%; object-fit: contain; min-height: 0; aspect-ratio: 3 / 2; }
summary { cursor: pointer; } :focus-visible { outline: 2px solid var(--link); }
ul { padding-left: 1.1rem; overflow-wrap: anywhere; color: var(--care); } .failed ul, .gone ul { color: var(--bad); }
@media print { article { break-inside: avoid; content-visibility: visible; } }
"""


def page(title: str, entries: Sequence[Entry]) -> str:
    """The entries, those that need care apart from the others.

    Args:
        title: what the folder is called.
        entries: in the order in which they are shown.
    """
    first = [one for one in entries if one.flags]
    others = [one for one in entries if not one.flags]
    made = sum(bool(one.picture) for one in entries)
    counts = [_counted(made, "picture"), *_by_status(entries)]
    parts = [
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{GENERATOR}',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>",
        f'<p class="soft">{", ".join(counts)}; <a href="index.csv">the table</a></p>',
        *_section("To look at first", first),
        *_section("All is well" if first else "Pictures", others),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _by_status(entries: Sequence[Entry]) -> list[str]:
    counts = {word: sum(one.status == status for one in entries) for status, word in _WORDS.items() if word}
    return [f"{count} {word}" for word, count in counts.items() if count]


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _section(title: str, entries: Sequence[Entry]) -> list[str]:
    if not entries:
        return []
    return [f'<h2>{title} ({len(entries)})</h2>\n<div class="grid">', *map(_card, entries), "</div>"]


def _card(one: Entry) -> str:
    facts = [
        _WORDS[one.status],
        _counted(one.frames, "frame") if one.frames else "",
        f"{one.size_px[0]} × {one.size_px[1]}" if all(one.size_px) else "",
        f"{one.seconds:.1f} s" if one.seconds else "",
        f"MEF-SSIM {one.mef_ssim:.3f}" if one.mef_ssim is not None else "",
    ]
    told = "".join(f"<li>{_flag(text)}</li>" for text in one.flags)
    kind = f"{one.status} look" if one.flags else one.status
    return "\n".join(
        (
            f'<article class="{kind}">\n{_shown(one)}\n<h3>{escape(one.scene)}</h3>',
            f'<p class="soft">{" · ".join(fact.replace(" ", "&nbsp;") for fact in facts if fact)}</p>',
            *([f"<ul>{told}</ul>"] if told else []),
            "</article>",
        )
    )


def _flag(text: str) -> str:
    """What is to be said, the end of it folded where that is long."""
    if len(text) <= _LONG:
        return escape(text)
    start = text[:_LONG].rpartition(" ")[0] or text[:_LONG]
    return f"<details><summary>{escape(start)} …</summary>{escape(text[len(start) :].strip())}</details>"


def _shown(one: Entry) -> str:
    """The small picture, which leads to the picture."""
    if not one.picture:
        return '<div class="shown">no picture</div>'
    name = escape(one.picture)
    small = f'<img src="{quote(one.thumbnail)}" alt="{name}" loading="lazy">' if one.thumbnail else name
    return f'<a class="shown" href="{quote(one.picture)}">{small}</a>'
