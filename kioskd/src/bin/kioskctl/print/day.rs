//! The totals that the payment terminal told as it closed its day.

use serde_json::Value;

use super::{aligned, word};

pub(super) fn text(day: &Value) -> String {
    let cards = day["cards"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut text = String::from("The terminal has closed its day");
    if let (Some(from), Some(to)) = (day["receipt_from"].as_u64(), day["receipt_to"].as_u64()) {
        text.push_str(&format!(", receipts {from} to {to}"));
    }
    text.push_str(".\n");
    if cards.is_empty() && day["sum"].is_null() {
        text.push_str("It told no totals");
        let slip: Vec<String> = day["slip"].as_array().into_iter().flatten().map(word).collect();
        text.push_str(if slip.is_empty() { "; its own slip has them.\n" } else { ", but this slip:\n" });
        slip.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
        return text;
    }
    let mut lines = vec![["CARD", "COUNT", "SUM"].map(str::to_owned).to_vec()];
    lines.extend(cards.iter().map(|it| vec![word(&it["card"]), word(&it["count"]), word(&it["sum"])]));
    let count: u64 = cards.iter().filter_map(|it| it["count"].as_u64()).sum();
    lines.push(vec!["total".into(), count.to_string(), word(&day["sum"])]);
    text + &aligned(&lines)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn totals_are_a_table_with_a_line_for_each_kind_of_card() {
        let day = json!({
            "receipt_from": 3, "receipt_to": 5, "sum": "€38.38", "slip": ["ignored"],
            "cards": [
                {"card": "girocard", "count": 2, "sum": "€28.80"}, {"card": "Visa", "count": 1, "sum": "€9.58"},
            ],
        });
        let wanted = "The terminal has closed its day, receipts 3 to 5.\n\
            CARD      COUNT  SUM\n\
            girocard  2      €28.80\n\
            Visa      1      €9.58\n\
            total     3      €38.38\n";
        assert_eq!(text(&day), wanted);
    }

    #[test]
    fn a_terminal_that_tells_no_totals_has_its_slip_shown() {
        let day = json!({"sum": null, "cards": [], "slip": ["TOTAL", "EUR 9.58"]});
        let told = text(&day);
        assert!(told.ends_with("It told no totals, but this slip:\n  TOTAL\n  EUR 9.58\n"), "{told}");
        let silent = text(&json!({"sum": null, "cards": [], "slip": []}));
        assert!(silent.ends_with("It told no totals; its own slip has them.\n"), "{silent}");
    }
}
