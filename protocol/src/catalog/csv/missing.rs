//! Which tables have to be in the folder.

use std::sync::Arc;

use super::super::error::Fault;
use super::super::node::At;
use super::tables::{TABLES, Table};
use super::{Sheet, base, fault};

/// Tables without which nothing is a catalog.
const REQUIRED: [&str; 2] = ["shop.csv", "items.csv"];

/// A filled cell of this column refers to a line of another table.
const REFERENCES: [(&str, &str, &str); 11] = [
    ("items.csv", "categories", "categories.csv"),
    ("items.csv", "modifier_groups", "modifier_groups.csv"),
    ("items.csv", "availability", "availability.csv"),
    ("items.csv", "tax_class", "tax_rules.csv"),
    ("tax_rules.csv", "rates", "tax_rates.csv"),
    ("categories.csv", "availability", "availability.csv"),
    ("modifiers.csv", "group", "modifier_groups.csv"),
    ("item_groups.csv", "group", "modifier_groups.csv"),
    ("combo_choices.csv", "slot", "combo_slots.csv"),
    ("restricted_items.csv", "prefix", "restricted_numbers.csv"),
    ("price_rules.csv", "availability", "availability.csv"),
];

/// A fault for every table that has to be there and is not. Its name is added to `names`.
pub(super) fn tables(sheets: &[Sheet], names: &mut Vec<Arc<str>>) -> Vec<Fault> {
    let given: Vec<Arc<str>> = names.clone();
    // Where the others are; it is empty if the files were given without their folder.
    let folder = given.first().map_or("", |name| name.strip_suffix(base(name)).unwrap_or_default());
    let mut faults = Vec::new();
    for table in TABLES.iter().filter(|table| given.iter().all(|name| base(name) != table.file)) {
        let referring = REFERENCES.iter().find(|(from, column, to)| {
            *to == table.file && sheets.iter().any(|sheet| sheet.table.file == *from && fills(sheet, column))
        });
        let what = match referring {
            _ if REQUIRED.contains(&table.file) => format!("the table {} is missing", table.file),
            Some((from, column, _)) => {
                format!("the table {} is missing, and the column {column} of {from} refers to it", table.file)
            }
            None => continue,
        };
        let Ok(file) = u16::try_from(names.len()) else { break };
        names.push(format!("{folder}{}", table.file).into());
        faults.push(fault(At { file, line: 0, column: 0 }, what, instead(table)));
    }
    faults
}

fn instead(table: &Table) -> String {
    if table.file == "shop.csv" {
        return "add it, with the fields rev, currency, languages and brand".to_owned();
    }
    let columns: Vec<&str> = table.columns().take(4).collect();
    format!("add it to the folder; its first columns are {}", columns.join(", "))
}

fn fills(sheet: &Sheet, column: &str) -> bool {
    let found = sheet.header.iter().find(|c| c.name == column);
    found.is_some_and(|column| {
        sheet.rows.iter().any(|row| row.cells.get(column.index).is_some_and(|cell| !cell.words.is_empty()))
    })
}
