//! The catalog as a folder of tables, for someone with a spreadsheet. The tables become the same tree of nodes
//! that a JSON document becomes, each cell with its file, line and column, and are read by the same code.

mod assemble;
mod cells;
mod missing;
mod parts;
mod tables;

use std::sync::Arc;

use super::error::{Fault, ImportErrors, of};
use super::fields::closest;
use super::node::{At, shown};
use super::{CatalogDocument, MAX_FILE_BYTES, utf8};
use cells::Row;
use tables::{TABLES, Table};

/// Reads the `.csv` files of a folder, each as its name and its text. The order of the files does not matter.
///
/// # Errors
/// Every file, column or row that has no place in a catalog, and every file that has to be there and is not.
pub fn parse_csv_dir<N, T>(files: impl IntoIterator<Item = (N, T)>) -> Result<CatalogDocument, ImportErrors>
where
    N: AsRef<str>,
    T: AsRef<[u8]>,
{
    let mut sheets: Vec<Sheet> = Vec::new();
    let mut names: Vec<Arc<str>> = Vec::new();
    let mut faults: Vec<Fault> = Vec::new();
    for (name, text) in files {
        let Ok(file) = u16::try_from(names.len()) else { break };
        names.push(name.as_ref().into());
        match Sheet::read(file, name.as_ref(), text.as_ref(), &mut faults) {
            Some(sheet) if sheets.iter().any(|s| std::ptr::eq(s.table, sheet.table)) => {
                faults.push(fault(start(file), "this table is there twice", "keep one of them"));
            }
            Some(sheet) => sheets.push(sheet),
            None => {}
        }
    }
    // What refers into a table that is not there or cannot be read is not wrong in itself: only the table is named.
    let is_read = |table: &Table| sheets.iter().any(|sheet| std::ptr::eq(sheet.table, table));
    let unread = TABLES.iter().any(|it| !is_read(it) && names.iter().any(|name| base(name) == it.file));
    let missing = missing::tables(&sheets, &mut names);
    if unread || !missing.is_empty() {
        faults.extend(missing);
        return Err(ImportErrors::new(faults.into_iter().map(|fault| of(fault, &names)).collect()));
    }
    let root = assemble::document(&sheets, &mut faults);
    if faults.is_empty() {
        return Ok(CatalogDocument { root, files: names });
    }
    Err(ImportErrors::new(faults.into_iter().map(|fault| of(fault, &names)).collect()))
}

/// One table: which it is, and its rows below the header.
struct Sheet {
    table: &'static Table,
    header: Vec<Column>,
    rows: Vec<Row>,
    file: u16,
}

/// A column that belongs to the table.
struct Column {
    /// `name`, or `name.en` for one language of it.
    name: String,
    at: At,
    /// Where its cells are in a row.
    index: usize,
}

impl Sheet {
    fn read(file: u16, name: &str, bytes: &[u8], faults: &mut Vec<Fault>) -> Option<Self> {
        let base = base(name);
        let Some(table) = TABLES.iter().find(|table| table.file == base) else {
            let known: Vec<&str> = TABLES.iter().map(|table| table.file).collect();
            let instead = match closest(base, &known) {
                Some(near) => format!("rename it to {near}?"),
                None => format!("the tables are {}", known.join(", ")),
            };
            faults.push(fault(start(file), format!("there is no table {}", shown(base)), instead));
            return None;
        };
        if bytes.len() > MAX_FILE_BYTES {
            faults.push(fault(
                start(file),
                "the file is larger than 16 MiB",
                "split the menu or shorten its texts",
            ));
            return None;
        }
        let mut rows = match utf8::text(file, bytes).and_then(|text| cells::split(file, text)) {
            Ok(rows) => rows.into_iter(),
            Err(fault) => {
                faults.push(fault);
                return None;
            }
        };
        let Some(titles) = rows.next() else {
            faults.push(fault(
                start(file),
                "the table is empty",
                "write the names of the columns into its first line",
            ));
            return None;
        };
        let header = columns(table, &titles, faults);
        let rows: Vec<Row> = rows.collect();
        for row in &rows {
            if let Some(cell) = row.cells.iter().skip(titles.cells.len()).find(|cell| !cell.words.is_empty())
            {
                let what = format!("\"{}\" stands in a column without a name", shown(&cell.words));
                faults.push(fault(
                    cell.at,
                    what,
                    "name the column, or put the cell in double quotes if it was split",
                ));
            }
        }
        Some(Self { table, header, rows, file })
    }
}

/// The columns that the table knows; the others are faults.
fn columns(table: &'static Table, titles: &Row, faults: &mut Vec<Fault>) -> Vec<Column> {
    let mut header: Vec<Column> = Vec::new();
    for (index, cell) in titles.cells.iter().enumerate().filter(|(_, cell)| !cell.words.is_empty()) {
        let name = cell.words.clone();
        let (field, lang) = name.split_once('.').map_or((name.as_str(), None), |(f, l)| (f, Some(l)));
        let known = if lang.is_some() { table.texts.contains(&field) } else { table.knows(field) };
        if !known {
            let names: Vec<&str> = table.columns().collect();
            let instead = match closest(field, &names) {
                Some(near) => format!("write {near}?"),
                None => format!("the columns are {}", names.join(", ")),
            };
            faults.push(fault(
                cell.at,
                format!("there is no column \"{}\" in this table", shown(&name)),
                instead,
            ));
        } else if header.iter().any(|column| column.name == name) {
            faults.push(fault(cell.at, format!("the column \"{name}\" is there twice"), "keep one of them"));
        } else {
            header.push(Column { name, at: cell.at, index });
        }
    }
    for key in table.keys.iter().filter(|key| header.iter().all(|column| column.name != **key)) {
        let what = format!("the column \"{key}\" is missing");
        faults.push(fault(titles.at, what, format!("add a column {key}")));
    }
    header
}

/// The name of a file without its folder.
fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

fn start(file: u16) -> At {
    At { file, line: 1, column: 1 }
}

fn fault(at: At, what: impl Into<String>, instead: impl Into<String>) -> Fault {
    Fault { at, path: String::new(), what: what.into(), instead: instead.into() }
}
