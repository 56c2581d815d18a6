//! The tables and their columns. `docs/catalog.md` says what they mean.

/// One table.
pub(super) struct Table {
    /// Its file.
    pub(super) file: &'static str,
    /// Columns without which a row says nothing.
    pub(super) keys: &'static [&'static str],
    /// Columns with one value in a cell.
    pub(super) values: &'static [&'static str],
    /// Columns with several values in a cell, separated by semicolons or commas.
    pub(super) lists: &'static [&'static str],
    /// Columns with words: `name` for the default language, `name.de` for another.
    pub(super) texts: &'static [&'static str],
}

impl Table {
    pub(super) fn columns(&self) -> impl Iterator<Item = &'static str> {
        [self.keys, self.texts, self.values, self.lists].into_iter().flatten().copied()
    }

    pub(super) fn knows(&self, column: &str) -> bool {
        self.columns().any(|known| known == column)
    }
}

const fn table(file: &'static str, keys: &'static [&'static str]) -> Table {
    Table { file, keys, values: &[], lists: &[], texts: &[] }
}

pub(super) const SHOP: Table = table("shop.csv", &["field", "value"]);
pub(super) const TEXTS: Table = table("texts.csv", &["place", "language", "words"]);

/// All of them, in the order of the document.
pub(super) static TABLES: [Table; 18] = [
    SHOP,
    Table {
        values: &["rate", "included", "compound_order", "letter"],
        texts: &["name"],
        ..table("tax_rates.csv", &["id"])
    },
    Table { values: &["mode", "from", "until"], lists: &["rates"], ..table("tax_rules.csv", &["class"]) },
    Table {
        values: &["from", "until", "first_date", "last_date"],
        lists: &["days"],
        ..table("availability.csv", &["id"])
    },
    Table {
        values: &["picture", "tint", "featured"],
        lists: &["availability"],
        texts: &["name", "strapline"],
        ..table("categories.csv", &["id"])
    },
    Table {
        values: &["style", "min", "max", "free"],
        texts: &["name"],
        ..table("modifier_groups.csv", &["id"])
    },
    Table {
        values: &["price", "max", "default", "kitchen_name", "picture", "kcal", "sold_out"],
        lists: &["adds", "removes"],
        texts: &["name"],
        ..table("modifiers.csv", &["group", "id"])
    },
    Table {
        values: &[
            "kind",
            "tax_class",
            "price",
            "price_per_kg",
            "sku",
            "deposit",
            "kitchen_name",
            "station",
            "picture",
            "diet",
            "kcal",
            "age_min",
            "sold_out",
            "discountable",
            "meal_combo",
            "meal_slot",
        ],
        lists: &["categories", "modifier_groups", "allergens", "may_contain", "availability"],
        texts: &["name", "tagline", "description"],
        ..table("items.csv", &["id"])
    },
    Table {
        values: &["price", "price_per_kg", "sku", "deposit", "picture", "kcal"],
        texts: &["name"],
        ..table("variations.csv", &["item", "id"])
    },
    Table {
        values: &["min", "max"],
        lists: &["defaults", "hidden"],
        ..table("item_groups.csv", &["item", "group"])
    },
    Table { values: &["min", "max"], texts: &["name"], ..table("combo_slots.csv", &["combo", "id"]) },
    Table { values: &["extra", "default"], ..table("combo_choices.csv", &["combo", "slot", "variation"]) },
    Table { values: &["pack"], ..table("barcodes.csv", &["code", "variation"]) },
    Table {
        values: &["item_digits", "value_digits", "kind", "decimals"],
        ..table("restricted_numbers.csv", &["prefix"])
    },
    table("restricted_items.csv", &["prefix", "number", "variation"]),
    Table {
        values: &[
            "line_percent",
            "unit_amount",
            "line_amount",
            "fixed_price",
            "bundle_buy",
            "bundle_free",
            "order_percent",
            "order_amount",
            "priority",
            "stack_group",
            "mode",
            "min_subtotal",
            "coupon",
        ],
        lists: &["items", "categories", "availability"],
        texts: &["name"],
        ..table("price_rules.csv", &["id"])
    },
    Table {
        values: &["amount", "percent", "tax_class", "tax", "mode"],
        texts: &["name"],
        ..table("surcharges.csv", &["id"])
    },
    TEXTS,
];
