//! Lists and records in the form that was asked for. JSON is what the API says; CSV has one line a row and the
//! values of the API, but quantities in pieces, as spreadsheets add them up; tables are for people.

use clap::ValueEnum;
use serde_json::Value;

use super::failure::{Failure, Result};
use super::screen::Screen;
use super::table::{Cell, Tone, table};
use super::words::{self, clean, plain};

/// In what form something is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Table,
    /// The API's own objects.
    Json,
    /// One line a row, with a header (RFC 4180).
    Csv,
    /// Only the ids, one a line.
    Name,
}

/// The argument for it.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct As {
    /// In what form: `table`, `json` (as the API says it), `csv` or `name` (only the ids).
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM", hide_possible_values = true)]
    pub output: Format,
}

/// How a column is shown in a table.
#[derive(Clone, Copy)]
pub(super) enum Show {
    /// As it is.
    Plain,
    /// A time, as how long ago.
    Ago,
    /// A quantity in 1e-5 pieces.
    Quantity,
    /// The state of a kiosk, job or order.
    State,
    /// Something else, from the whole row.
    With(fn(&Value) -> Cell),
}

/// A column of a list.
pub(super) struct Column {
    pub title: &'static str,
    /// JSON pointer to its value; in CSV the name of the column without the first slash.
    pub at: &'static str,
    pub show: Show,
}

pub(super) const fn column(title: &'static str, at: &'static str, show: Show) -> Column {
    Column { title, at, show }
}

/// How rows of a kind are shown. The first column is their name.
pub(super) type View = [Column];

/// Shows rows.
pub(super) fn list(screen: &Screen, form: Format, view: &View, rows: &[Value]) -> Result<()> {
    match form {
        Format::Table => screen.print(&as_table(screen, view, rows)),
        Format::Json => screen.json(&Value::Array(rows.to_vec())),
        Format::Csv => screen.raw(&csv(view, rows)?),
        Format::Name => names(screen, view, rows),
    }
}

/// Shows one thing; as a table, its row.
pub(super) fn row(screen: &Screen, form: Format, view: &View, value: &Value) -> Result<()> {
    record(screen, form, view, value, || as_table(screen, view, std::slice::from_ref(value)))
}

/// Shows one thing; `text` is its table.
pub(super) fn record(
    screen: &Screen,
    form: Format,
    view: &View,
    value: &Value,
    text: impl FnOnce() -> String,
) -> Result<()> {
    match form {
        Format::Table => screen.print(&text()),
        Format::Json => screen.json(value),
        Format::Csv => screen.raw(&csv(view, std::slice::from_ref(value))?),
        Format::Name => names(screen, view, std::slice::from_ref(value)),
    }
}

pub(super) fn as_table(screen: &Screen, view: &View, rows: &[Value]) -> String {
    let titles: Vec<&str> = view.iter().map(|column| column.title).collect();
    let rows: Vec<Vec<Cell>> =
        rows.iter().map(|row| view.iter().map(|column| cell(screen, column, row)).collect()).collect();
    table(&titles, &rows, screen.paper())
}

/// A few facts under each other: name, then value.
pub(super) fn facts(screen: &Screen, facts: &[(&str, Cell)]) -> String {
    let widest = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let paper = screen.paper();
    facts
        .iter()
        .filter(|(_, cell)| !cell.text.is_empty())
        .map(|(name, cell)| {
            let room = paper.width.map_or(usize::MAX, |width| width.saturating_sub(widest + 2).max(20));
            let text = super::table::cut(&cell.text, room);
            format!("{name:widest$}  {}\n", paper.paint(&text, cell.tone))
        })
        .collect()
}

fn names(screen: &Screen, view: &View, rows: &[Value]) -> Result<()> {
    let name = |row: &Value| clean(&plain(at(row, view[0].at))) + "\n";
    screen.print(&rows.iter().map(name).collect::<String>())
}

fn at<'a>(row: &'a Value, pointer: &str) -> &'a Value {
    row.pointer(pointer).unwrap_or(&Value::Null)
}

fn cell(screen: &Screen, column: &Column, row: &Value) -> Cell {
    let value = at(row, column.at);
    let mut cell = match column.show {
        Show::Plain => Cell::from(plain(value)),
        Show::Ago => {
            Cell::from(words::time(value).map_or(String::new(), |time| words::ago(time, screen.now())))
        }
        Show::Quantity => Cell::from(quantity(value)),
        Show::State => state(&plain(value)),
        Show::With(show) => show(row),
    };
    cell.text = clean(&cell.text);
    cell
}

/// In pieces.
fn quantity(value: &Value) -> String {
    value.as_i64().map(words::quantity).unwrap_or_default()
}

/// A state in its colour.
pub(super) fn state(word: &str) -> Cell {
    let tone = match word {
        "online" | "done" | "paid" | "ok" => Tone::Good,
        "stale" | "expired" | "never-seen" | "drift" | "warn" => Tone::Odd,
        "offline" | "failed" | "denied" | "wrong" => Tone::Bad,
        "decommissioned" => Tone::Faint,
        _ => Tone::Plain,
    };
    Cell { text: word.to_owned(), tone }
}

/// RFC 4180: lines end with CR LF, and what needs quotes has them.
fn csv(view: &View, rows: &[Value]) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let failed = |error: csv::Error| Failure::failed(format!("cannot write CSV: {error}"));
    let header = view.iter().map(|column| column.at.trim_start_matches('/').replace('/', "."));
    writer.write_record(header).map_err(failed)?;
    for row in rows {
        let field = |column: &Column| match (column.show, at(row, column.at)) {
            (Show::Quantity, value) => quantity(value),
            (_, value) => plain(value),
        };
        writer.write_record(view.iter().map(field)).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| Failure::failed(format!("cannot write CSV: {error}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const VIEW: &View = &[
        column("ID", "/id", Show::Plain),
        column("NAME", "/name", Show::Plain),
        column("SELLS", "/status/sell", Show::State),
        column("TAGS", "/tags", Show::Plain),
    ];

    #[test]
    fn csv_has_quantities_in_pieces() {
        let view = &[column("SOLD", "/sold", Show::Quantity)];
        let rows = [json!({ "sold": 1_250_000 }), json!({})];
        assert_eq!(csv(view, &rows).unwrap(), b"sold\r\n12.5\r\n\"\"\r\n");
    }

    #[test]
    fn csv_has_quotes_where_they_are_needed_and_values_as_the_api_says() {
        let rows = [
            json!({ "id": "a", "name": "Door, \"left\"\nside", "status": { "sell": "open" }, "tags": ["x", "y"] }),
            json!({ "id": 7, "name": null, "tags": [], "other": 1 }),
        ];
        let text = String::from_utf8(csv(VIEW, &rows).unwrap()).unwrap();
        assert_eq!(text, "id,name,status.sell,tags\r\na,\"Door, \"\"left\"\"\nside\",open,x y\r\n7,,,\r\n");
        assert_eq!(csv(VIEW, &[]).unwrap(), b"id,name,status.sell,tags\r\n");
    }

    #[test]
    fn a_table_shows_what_no_terminal_may_obey() {
        let screen = Screen::new();
        let row = json!({ "id": "a", "name": "x\x1b]0;owned\x07", "tags": [], "status": {} });
        assert_eq!(
            as_table(&screen, VIEW, &[row]).lines().nth(1).unwrap().trim_end(),
            "a   x\\u{1b}]0;owned\\u{7}"
        );
    }
}
