//! What was measured: as a table for people and as JSON for programs.

use std::fmt;

use serde::Serialize;

/// Our own name among the subjects.
pub(crate) const OURS: &str = "kioskd";

/// The same where the fleet is measured.
pub(crate) const OURS_IN_FLEET: &str = "fleetd";

/// The same where updates are measured.
pub(crate) const OURS_IN_UPDATES: &str = "kiosk-ota";

/// Programs that ours work with: they stand beside ours, but nobody compares them.
const PARTS: [&str; 2] = ["mosquitto", "postgres"];

/// More of this is better.
const RATE: &str = "events/s";

/// One number.
#[derive(Clone, Debug, Serialize)]
struct Measure {
    bench: &'static str,
    case: String,
    subject: &'static str,
    metric: &'static str,
    unit: &'static str,
    value: f64,
}

/// A number that the project wants to reach.
#[derive(Clone, Debug)]
struct Aim {
    what: String,
    limit: String,
    reached: String,
    is_met: bool,
}

/// Everything of one run.
#[derive(Debug, Default)]
pub struct Report {
    machine: String,
    measures: Vec<Measure>,
    aims: Vec<Aim>,
    notes: Vec<String>,
}

/// Where the next numbers belong.
pub(crate) struct Case<'a> {
    report: &'a mut Report,
    bench: &'static str,
    case: String,
}

impl Report {
    pub(crate) fn new(machine: String) -> Self {
        Self { machine, ..Self::default() }
    }

    /// Numbers of one case of a bench.
    pub(crate) fn case(&mut self, bench: &'static str, case: impl Into<String>) -> Case<'_> {
        Case { report: self, bench, case: case.into() }
    }

    /// Something the reader of the numbers must know.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// At most `limit` is wanted.
    pub(crate) fn aim_below(&mut self, what: impl Into<String>, limit: f64, unit: &str, reached: f64) {
        let (limit_text, reached_text) = (format!("≤ {limit} {unit}"), format!("{} {unit}", digits(reached)));
        self.aims.push(Aim {
            what: what.into(),
            limit: limit_text,
            reached: reached_text,
            is_met: reached <= limit,
        });
    }

    /// A ratio of at least `limit` is wanted.
    pub(crate) fn aim_factor(&mut self, what: impl Into<String>, limit: f64, reached: f64) {
        let (limit_text, reached_text) = (format!("≥ {limit}×"), format!("{}×", digits(reached)));
        self.aims.push(Aim {
            what: what.into(),
            limit: limit_text,
            reached: reached_text,
            is_met: reached >= limit,
        });
    }

    /// The numbers as a JSON array of `{"bench","case","subject","metric","unit","value"}`.
    ///
    /// # Errors
    /// A number is not finite.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&self.measures)
    }

    fn bench_names(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        for measure in &self.measures {
            if !names.contains(&measure.bench) {
                names.push(measure.bench);
            }
        }
        names
    }

    /// The rows of one bench: a heading, then case, metric, ours, the peers, the ratio.
    fn rows(&self, bench: &str) -> Vec<Vec<String>> {
        let of_bench: Vec<&Measure> = self.measures.iter().filter(|m| m.bench == bench).collect();
        let is_here = |name: &&str| of_bench.iter().any(|m| m.subject == *name);
        let name = [OURS_IN_FLEET, OURS_IN_UPDATES].into_iter().find(is_here).unwrap_or(OURS);
        let mut peers: Vec<&str> = Vec::new();
        let mut keys: Vec<(&str, &str, &str)> = Vec::new();
        for m in &of_bench {
            if m.subject != name && !peers.contains(&m.subject) {
                peers.push(m.subject);
            }
            let key = (m.case.as_str(), m.metric, m.unit);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let mut heading = vec![bench.to_owned(), "metric".to_owned(), "unit".to_owned(), name.to_owned()];
        heading.extend(peers.iter().map(|peer| (*peer).to_owned()));
        let is_rate = keys.iter().any(|(_, _, unit)| *unit == RATE);
        heading.push(match peers.iter().all(|peer| PARTS.contains(peer)) {
            true => String::new(),
            false if is_rate => "ours ÷ peer".to_owned(),
            false => "peer ÷ ours".to_owned(),
        });
        let mut rows = vec![heading];
        for (case, metric, unit) in keys {
            let value = |subject: &str| {
                let is_it = |m: &&&Measure| {
                    (m.case.as_str(), m.metric, m.unit, m.subject) == (case, metric, unit, subject)
                };
                of_bench.iter().find(is_it).map(|m| m.value)
            };
            let ours = value(name);
            let theirs: Vec<Option<f64>> = peers.iter().map(|peer| value(peer)).collect();
            let mut row = vec![case.to_owned(), metric.to_owned(), unit.to_owned(), cell(ours)];
            row.extend(theirs.iter().map(|value| cell(*value)));
            let compared = peers.iter().zip(&theirs).filter(|(peer, _)| !PARTS.contains(peer));
            let peer = compared.filter_map(|(_, value)| *value).next();
            row.push(if unit == RATE { ratio(peer, ours) } else { ratio(ours, peer) });
            rows.push(row);
        }
        rows
    }
}

impl Case<'_> {
    /// One number of one subject.
    pub(crate) fn add(
        &mut self,
        subject: &'static str,
        metric: &'static str,
        unit: &'static str,
        value: f64,
    ) {
        let (bench, case) = (self.bench, self.case.clone());
        self.report.measures.push(Measure { bench, case, subject, metric, unit, value });
    }

    /// One number of ours.
    pub(crate) fn ours(&mut self, metric: &'static str, unit: &'static str, value: f64) {
        self.add(OURS, metric, unit, value);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.machine)?;
        for bench in self.bench_names() {
            writeln!(f)?;
            table(f, &self.rows(bench))?;
        }
        if !self.aims.is_empty() {
            let mut rows = vec![["aim", "wanted", "measured", ""].map(str::to_owned).to_vec()];
            rows.extend(self.aims.iter().map(|aim| {
                let verdict = if aim.is_met { "met" } else { "not met" };
                vec![aim.what.clone(), aim.limit.clone(), aim.reached.clone(), verdict.to_owned()]
            }));
            writeln!(f)?;
            table(f, &rows)?;
        }
        if !self.notes.is_empty() {
            writeln!(f)?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

/// Writes rows with aligned columns; the first row is a heading, words stand left and numbers right.
fn table(f: &mut fmt::Formatter<'_>, rows: &[Vec<String>]) -> fmt::Result {
    const WORDS: usize = 3;
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    for (at, row) in rows.iter().enumerate() {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = width(column);
            if column < WORDS { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        if at == 0 {
            let line = (0..columns).map(|column| "─".repeat(width(column))).collect::<Vec<_>>();
            writeln!(f, "{}", line.join("──"))?;
        }
    }
    Ok(())
}

fn cell(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), digits)
}

fn ratio(ours: Option<f64>, theirs: Option<f64>) -> String {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours > 0.0 => format!("{}×", digits(theirs / ours)),
        _ => String::new(),
    }
}

/// Three significant digits, never in powers of ten.
fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 || v == 0.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_and_the_peer_stand_side_by_side_with_the_ratio_last() {
        let mut report = Report::new("a machine".to_owned());
        let mut case = report.case("start", "first frame");
        case.ours("p50", "ms", 100.0);
        case.add("chromium", "p50", "ms", 900.0);
        let text = report.to_string();
        let row = text.lines().find(|line| line.starts_with("first frame")).unwrap();
        assert_eq!(
            row.split_whitespace().collect::<Vec<_>>(),
            ["first", "frame", "p50", "ms", "100", "900", "9.00×"]
        );
    }

    #[test]
    fn the_json_is_an_array_of_flat_numbers() {
        let mut report = Report::new(String::new());
        report.case("store", "commit").ours("p99", "ms", 4.25);
        let json: serde_json::Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
        let expected = serde_json::json!([{
            "bench": "store", "case": "commit", "subject": "kioskd", "metric": "p99", "unit": "ms", "value": 4.25
        }]);
        assert_eq!(json, expected);
    }
}
