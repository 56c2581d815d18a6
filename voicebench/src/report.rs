//! The numbers, in the form of the other benches: an array of flat objects, and a table for people.

use serde_json::{Value, json};

#[derive(Default)]
pub(crate) struct Report {
    measures: Vec<(String, String, &'static str, &'static str, f64)>,
    notes: Vec<String>,
}

impl Report {
    pub(crate) fn add(
        &mut self,
        case: &str,
        subject: &str,
        metric: &'static str,
        unit: &'static str,
        value: f64,
    ) {
        self.measures.push((case.to_owned(), subject.to_owned(), metric, unit, value));
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(crate) fn to_json(&self) -> Value {
        let flat = self.measures.iter().map(|(case, subject, metric, unit, value)| {
            json!({ "bench": "voice", "case": case, "subject": subject, "metric": metric, "unit": unit, "value": value })
        });
        flat.collect()
    }

    pub(crate) fn print(&self) {
        let mut last = String::new();
        for (case, subject, metric, unit, value) in &self.measures {
            let head = format!("{case} | {subject}");
            if head != last {
                println!("\n{head}");
                last = head;
            }
            println!("  {metric:<24} {value:>9.2} {unit}");
        }
        println!();
        self.notes.iter().for_each(|note| println!("note: {note}"));
    }
}
