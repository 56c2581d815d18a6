//! `kioskctl order show` as a member of staff reads it, with a customer at the counter.

use serde_json::Value;

use super::word;

/// Columns of the page: fits every terminal, and half a screen beside another window.
const COLUMNS: usize = 64;

pub(super) fn text(order: &Value) -> String {
    let mut page = Page(String::new());
    page.line(&format!("Order {}: {}, {}", word(&order["number"]), state(order), mode(&order["mode"])));
    page.line(&format!("placed   {}", word(&order["placed_local"])));
    if let Value::Object(fiscal) = &order["fiscal"] {
        let number = format!("number {} of series {}", word(&fiscal["n"]), word(&fiscal["series"]));
        page.line(&format!("paid     {}, {number}", word(&order["paid_local"])));
    }
    page.line(&format!("id       {}", word(&order["id"])));
    page.line("");
    goods(&mut page, order);
    sums(&mut page, order);
    page.section("Payments", &order["payments"], payment);
    page.section("Refunds", &order["refunds"], |fiscal| {
        format!("number {} of series {}", word(&fiscal["n"]), word(&fiscal["series"]))
    });
    page.section("Receipts", &order["receipts"], |receipt| {
        format!("{}: {}", receipt_name(receipt), word(&receipt["state"]))
    });
    page.section("Kitchen", &order["kitchen"], |ticket| format!("ticket: {}", word(&ticket["state"])));
    page.0
}

fn goods(page: &mut Page, order: &Value) {
    let mut lines = list(&order["lines"]).peekable();
    while let Some(line) = lines.next() {
        let indent = if line["part_of_meal"] == true { "    " } else { "" };
        let name = format!("{indent}{} × {}", word(&line["quantity"]), word(&line["name"]));
        let is_part = |line: &Value| line["part_of_meal"] == true;
        let heads_a_meal = !is_part(line) && lines.peek().is_some_and(|next| is_part(next));
        if heads_a_meal && line["gross_minor"] == 0 {
            // The meal's price stands in its parts.
            page.line(&name);
        } else {
            page.amount(&name, &word(&line["gross"]));
        }
        for change in list(&line["modifiers"]) {
            // Prices of changes are in the line's amount: told beside the name, they are not added again.
            let price = match change["price_minor"].as_i64() {
                Some(0) | None => String::new(),
                Some(_) => format!(" ({} each)", word(&change["price"])),
            };
            let count = match change["count"].as_u64() {
                Some(1) | None => String::new(),
                Some(count) => format!("{count} × "),
            };
            page.line(&format!("{indent}      {count}{}{price}", word(&change["name"])));
        }
        for discount in list(&line["discounts"]) {
            page.amount(&format!("{indent}    {}", word(&discount["name"])), &minus(&discount["amount"]));
        }
    }
    for surcharge in list(&order["surcharges"]) {
        page.amount(&word(&surcharge["name"]), &word(&surcharge["amount"]));
    }
}

fn sums(page: &mut Page, order: &Value) {
    page.line(&"-".repeat(COLUMNS));
    page.amount("Total", &word(&order["total"]));
    if order["tip_minor"].as_i64().is_some_and(|tip| tip != 0) {
        page.amount("Tip", &word(&order["tip"]));
        page.amount("Total with tip", &word(&order["total_with_tip"]));
    }
    if order["discount_minor"].as_i64().is_some_and(|discount| discount != 0) {
        page.line(&format!("Discounts of {} are taken off above", word(&order["discount"])));
    }
    for tax in list(&order["taxes"]) {
        let kind = if tax["inclusive"] == true { "in the prices" } else { "added" };
        // Many shops write the rate into the name.
        let mut name = word(&tax["name"]);
        if !name.contains('%') {
            name.push_str(&format!(" {}", word(&tax["rate"])));
        }
        let name = format!("{name}, {kind}, on {}", word(&tax["base"]));
        page.amount(&format!("  {name}"), &word(&tax["tax"]));
    }
}

/// What became of the order; of a cancelled one also why.
fn state(order: &Value) -> String {
    match &order["cancelled"] {
        Value::String(why) => format!("{} ({why})", word(&order["state"])),
        _ => word(&order["state"]),
    }
}

fn mode(mode: &Value) -> String {
    match mode.as_str() {
        Some("dine_in") => "eat in".into(),
        Some("take_away") => "take away".into(),
        _ => word(mode),
    }
}

fn payment(payment: &Value) -> String {
    let tender = match payment["tender"].as_str() {
        Some("Card") => "card".into(),
        Some("Counter") => "at the counter".into(),
        _ => word(&payment["tender"]),
    };
    let mut text = format!("{}, {tender}: {}", word(&payment["amount"]), word(&payment["meaning"]));
    let known = [("brand", ""), ("card", ""), ("terminal_receipt_no", "receipt "), ("trace", "trace ")];
    let known: Vec<String> = known
        .iter()
        .filter(|(key, _)| !payment[*key].is_null())
        .map(|(key, name)| format!("{name}{}", word(&payment[*key])))
        .collect();
    if !known.is_empty() {
        text.push_str(&format!("\n    {}", known.join(", ")));
    }
    text.push_str(&format!("\n    id {}", word(&payment["id"])));
    text
}

fn receipt_name(receipt: &Value) -> String {
    let name = match receipt["kind"].as_str() {
        Some("Sale" | "Copy") => "receipt".into(),
        Some("Refund") => "refund".into(),
        Some("PayAtCounter") => "slip for the counter".into(),
        _ => word(&receipt["kind"]),
    };
    match receipt["copy"].as_u64() {
        Some(0) | None => name,
        Some(copy) => format!("{name}, copy {copy}"),
    }
}

fn minus(amount: &Value) -> String {
    format!("-{}", word(amount))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    /// A name at the left and an amount at the right edge; a name that is too long gets a line of its own.
    fn amount(&mut self, name: &str, amount: &str) {
        let width = name.chars().count() + 2 + amount.chars().count();
        if width > COLUMNS {
            self.line(name);
            self.line(&format!("{amount:>COLUMNS$}"));
        } else {
            self.line(&format!("{name}{}{amount}", " ".repeat(COLUMNS + 2 - width)));
        }
    }

    /// A heading with its entries, if there are any.
    fn section(&mut self, title: &str, entries: &Value, text: impl Fn(&Value) -> String) {
        let entries: Vec<String> = list(entries).map(text).collect();
        if !entries.is_empty() {
            self.line(&format!("\n{title}"));
            entries.iter().for_each(|entry| self.line(&format!("  {entry}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order() -> Value {
        json!({
            "id": "0199", "number": "K3-001", "state": "refunded", "mode": "take_away", "cancelled": null,
            "placed_local": "2026-11-21 19:04:05 CET", "paid_local": "2026-11-21 19:05:00 CET",
            "fiscal": {"series": 1, "n": 7},
            "lines": [
                {"name": "Meal", "quantity": "1", "gross": "€12.00", "part_of_meal": false, "modifiers": [],
                 "discounts": [{"name": "Happy hour", "amount": "€2.00"}]},
                {"name": "Bacon & Rye", "quantity": "1", "gross": "€1.00", "part_of_meal": true, "discounts": [],
                 "modifiers": [{"name": "Fried egg", "count": 2, "price_minor": 150, "price": "€1.50"},
                               {"name": "No onion", "count": 1, "price_minor": 0, "price": "€0.00"}]},
            ],
            "surcharges": [{"name": "Packaging", "amount": "€0.20"}],
            "taxes": [{"name": "VAT", "rate": "7%", "inclusive": true, "base": "€10.47", "tax": "€0.73"}],
            "discount": "€2.00", "discount_minor": 200,
            "total": "€11.20", "total_minor": 1120, "tip": "€1.00", "tip_minor": 100, "total_with_tip": "€12.20",
            "payments": [{"id": "p1", "tender": "Card", "amount": "€12.20", "meaning": "money taken and given back",
                          "brand": "VISA", "card": "************4821", "terminal_receipt_no": 12, "trace": null}],
            "refunds": [{"series": 1, "n": 8}],
            "receipts": [{"kind": "Sale", "copy": 0, "state": "confirmed"},
                         {"kind": "Copy", "copy": 1, "state": "failed: out of paper"}],
            "kitchen": [],
        })
    }

    #[test]
    fn an_order_is_a_page_with_words_and_amounts_in_one_column() {
        let expected = "\
Order K3-001: refunded, take away
placed   2026-11-21 19:04:05 CET
paid     2026-11-21 19:05:00 CET, number 7 of series 1
id       0199

1 × Meal                                                  €12.00
    Happy hour                                            -€2.00
    1 × Bacon & Rye                                        €1.00
          2 × Fried egg (€1.50 each)
          No onion
Packaging                                                  €0.20
----------------------------------------------------------------
Total                                                     €11.20
Tip                                                        €1.00
Total with tip                                            €12.20
Discounts of €2.00 are taken off above
  VAT 7%, in the prices, on €10.47                         €0.73

Payments
  €12.20, card: money taken and given back
    VISA, ************4821, receipt 12
    id p1

Refunds
  number 8 of series 1

Receipts
  receipt: confirmed
  receipt, copy 1: failed: out of paper
";
        assert_eq!(text(&order()), expected);
    }

    #[test]
    fn a_meal_without_a_price_of_its_own_shows_none_and_a_rate_is_told_once() {
        let mut order = order();
        order["lines"][0]["gross"] = json!("€0.00");
        order["lines"][0]["gross_minor"] = json!(0);
        order["taxes"][0]["name"] = json!("VAT 7\u{a0}%");
        let page = text(&order);
        assert!(page.contains("\n1 × Meal\n"), "{page}");
        assert!(page.contains("\n  VAT 7\u{a0}%, in the prices, on €10.47 "), "{page}");
        // A gift is no meal: that it costs nothing is said.
        order["lines"][1]["part_of_meal"] = json!(false);
        assert!(text(&order).contains("€0.00\n"), "{}", text(&order));
    }

    #[test]
    fn what_an_order_has_not_is_left_out() {
        let mut order = order();
        for key in ["payments", "refunds", "receipts", "lines", "surcharges", "taxes"] {
            order[key] = json!([]);
        }
        order["tip_minor"] = json!(0);
        order["discount_minor"] = json!(0);
        order["fiscal"] = Value::Null;
        order["state"] = json!("cancelled");
        order["cancelled"] = json!("by the staff");
        let page = text(&order);
        assert!(page.starts_with("Order K3-001: cancelled (by the staff), take away\n"), "{page}");
        for word in ["Payments", "Refunds", "Receipts", "Tip", "Discounts", "paid "] {
            assert!(!page.contains(word), "{word}: {page}");
        }
    }
}
