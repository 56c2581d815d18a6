//! Kiosks' parts as rows of `allowance`.

use tokio_postgres::Row;

use super::part::Part;

/// The columns that [`part`] reads.
pub(crate) const PART: &str = "epoch, sold, ceiling, offered, part";

/// The part in a row in which the columns of [`PART`] begin at `first`.
pub(crate) fn part(row: &Row, first: usize) -> Part {
    Part {
        epoch: row.get::<_, i64>(first).cast_unsigned(),
        sold: row.get(first + 1),
        ceiling: row.get(first + 2),
        offered: row.get(first + 3),
        size: row.get(first + 4),
    }
}
