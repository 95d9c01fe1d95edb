"""The book as one page of HTML: no script, no network, to be read on screen, aloud, on paper."""

from html import escape

from app.book.document import (
    Block,
    Book,
    Bullets,
    Code,
    Facts,
    Figure,
    Link,
    Paragraph,
    Piece,
    Row,
    Section,
    Table,
    Text,
)

CHAPTER_LEVEL = 2
STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 70rem; padding: 0 1rem 4rem; color: #1b1b1b; background: #fff;
  font: 1rem/1.5 system-ui, sans-serif; }
a { color: #0b4a8f; }
a:focus-visible { outline: 3px solid #b35900; outline-offset: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 1rem; background: #fff; padding: .5rem; }
h1, h2, h3, h4 { line-height: 1.25; scroll-margin-top: 1rem; }
h2 { margin-top: 3rem; border-bottom: 2px solid #1b1b1b; }
h3 { margin-top: 2rem; }
h4 { margin: 1.5rem 0 .25rem; }
code { font-family: ui-monospace, monospace; font-size: .9em; color: #3d3d3d;
  overflow-wrap: anywhere; }
.notice { border: 2px solid #8a3b00; padding: .75rem 1rem; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { border: 1px solid #767676; padding: .3rem .5rem; text-align: left; vertical-align: top;
  min-width: 4rem; overflow-wrap: break-word; }
th[scope=row] { min-width: 9rem; }
thead th { background: #ececec; }
tbody th { font-weight: 600; }
dl { display: grid; grid-template-columns: minmax(8rem, 13rem) 1fr; gap: .15rem 1rem;
  margin: .5rem 0; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
dd ul { margin: 0; padding-left: 1.2rem; }
figure { margin: 1rem 0; }
svg { max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
:target { background: #fff3c4; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } }
@media print {
  body { max-width: none; padding: 0; font-size: 9pt; }
  nav, .skip { display: none; }
  a { color: inherit; text-decoration: none; }
  h2 { break-before: page; }
  h3, h4, caption { break-after: avoid; }
  dl, tr, figure { break-inside: avoid; }
  thead { display: table-header-group; }
  .wide { overflow: visible; }
}
""".strip()


def html(book: Book) -> str:
    """The whole document."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(_title(book))}</title>",
            f"<style>\n{STYLE}\n</style>",
            "</head>",
            "<body>",
            '<a class="skip" href="#content">Skip to the content</a>',
            "<header>",
            f"<h1>{escape(book.title)}</h1>",
            f'<p class="notice">{escape(book.notice)}</p>',
            "</header>",
            *_contents(book),
            '<main id="content">',
            *_blocks(book.front),
            *(line for chapter in book.chapters for line in _section(chapter, CHAPTER_LEVEL)),
            "</main>",
            "<footer>",
            f"<p>{_text(book.footer)}</p>",
            "</footer>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _title(book: Book) -> str:
    return f"{book.title}, version {book.version}" if book.version else book.title


def _contents(book: Book) -> list[str]:
    lines = ['<nav aria-label="Contents">', "<ul>"]
    for chapter in book.chapters:
        lines.append(f"<li>{_to(chapter)}")
        if len(chapter.parts) > 1:
            inner = "".join(f"<li>{_to(part)}</li>" for part in chapter.parts)
            lines.append(f"<ul>{inner}</ul>")
        lines.append("</li>")
    return [*lines, "</ul>", "</nav>"]


def _to(section: Section) -> str:
    return f'<a href="#{escape(section.anchor)}">{escape(section.title)}</a>'


def _section(section: Section, level: int) -> list[str]:
    lines = [f'<h{level} id="{escape(section.anchor)}">{escape(section.title)}</h{level}>']
    lines += _blocks(section.blocks)
    for part in section.parts:
        lines += _section(part, level + 1)
    if level == CHAPTER_LEVEL:
        return [f'<section aria-labelledby="{escape(section.anchor)}">', *lines, "</section>"]
    return lines


def _blocks(blocks: tuple[Block, ...]) -> list[str]:
    return [line for block in blocks for line in _block(block)]


def _block(block: Block) -> list[str]:
    match block:
        case Paragraph(text):
            return [f"<p>{_text(text)}</p>"]
        case Bullets():
            return [_bullets(block)]
        case Facts(pairs):
            lines = [f"<dt>{escape(name)}</dt><dd>{_value(value)}</dd>" for name, value in pairs]
            return ["<dl>", *lines, "</dl>"]
        case Table():
            return _table(block)
        case Figure():
            return [
                "<figure>",
                block.svg,
                f"<figcaption>{escape(block.title)}. {escape(block.description)}</figcaption>",
                "</figure>",
            ]


def _value(value: Text | Bullets) -> str:
    return _bullets(value) if isinstance(value, Bullets) else _text(value)


def _bullets(bullets: Bullets) -> str:
    return f"<ul>{''.join(f'<li>{_text(item)}</li>' for item in bullets.items)}</ul>"


def _table(table: Table) -> list[str]:
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.header)
    caption = escape(table.caption)
    return [
        f'<div class="wide" role="region" tabindex="0" aria-label="Table: {caption}">',
        "<table>",
        f"<caption>{caption}</caption>",
        f"<thead><tr>{heads}</tr></thead>",
        "<tbody>",
        *(_row(row) for row in table.rows),
        "</tbody>",
        "</table></div>",
    ]


def _row(row: Row) -> str:
    at = f' id="{escape(row.anchor)}"' if row.anchor else ""
    first, *others = row.cells
    cells = "".join(f"<td>{_text(cell)}</td>" for cell in others)
    return f'<tr{at}><th scope="row">{_text(first)}</th>{cells}</tr>'


def _text(text: Text) -> str:
    return "".join(_piece(piece) for piece in text)


def _piece(piece: Piece) -> str:
    match piece:
        case Link(words, anchor):
            return f'<a href="#{escape(anchor)}">{escape(words)}</a>'
        case Code(words):
            return f"<code>{escape(words)}</code>"
        case str():
            return escape(piece)
