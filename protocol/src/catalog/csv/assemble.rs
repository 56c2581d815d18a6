//! From tables to the tree of the document: rows become objects, rows about a part of something go into it.

use std::collections::BTreeMap;

use super::super::FORMAT;
use super::super::error::Fault;
use super::super::node::{At, Field, Kind, Node, shown};
use super::cells::{Cell, Row};
use super::parts::{append, cell, child_mut, field, ids, many, put, take, text, words};
use super::{Sheet, fault, start};

pub(super) fn document(sheets: &[Sheet], faults: &mut Vec<Fault>) -> Node {
    let default = default_language(sheets);
    let mut b = Builder { sheets, default: &default, faults };
    b.doubled_texts();
    let mut fields = vec![field("format", start(0), text(start(0), FORMAT))];
    fields.extend(b.shop());
    for name in ["tax_rates", "availability", "barcodes", "surcharges"] {
        let rows = b.objects(name);
        fields.extend(b.list(name, rows));
    }
    let mut tax_rules = b.objects("tax_rules");
    b.untaxed(&mut tax_rules);
    let mut categories = b.objects("categories");
    let mut items = b.objects("items");
    b.fill_categories(&mut categories, &mut items);
    b.meals(&mut items);
    b.children("variations", "item", &mut items, "variations", "item");
    b.item_groups(&mut items);
    let mut slots = b.objects("combo_slots");
    b.choices(&mut slots);
    b.adopt(slots, "combo", &mut items, "slots", "item");
    let mut groups = b.objects("modifier_groups");
    b.children("modifiers", "group", &mut groups, "modifiers", "modifier group");
    let mut restricted = b.objects("restricted_numbers");
    b.restricted_items(&mut restricted);
    let mut rules = b.objects("price_rules");
    rules.iter_mut().for_each(bundle);
    for (name, rows) in [
        ("tax_rules", tax_rules),
        ("categories", categories),
        ("items", items),
        ("modifier_groups", groups),
        ("restricted_numbers", restricted),
        ("price_rules", rules),
    ] {
        fields.extend(b.list(name, rows));
    }
    let mut root = Node { at: start(0), kind: Kind::Object(fields) };
    b.texts(&mut root);
    root
}

struct Builder<'s, 'f> {
    sheets: &'s [Sheet],
    /// The language of texts that name none.
    default: &'s str,
    faults: &'f mut Vec<Fault>,
}

/// A row as an object. Fields that say where it belongs are taken out before it is read.
type Object = (At, Vec<Field>);

impl Builder<'_, '_> {
    fn sheet(&self, name: &str) -> Option<&Sheet> {
        self.sheets.iter().find(|sheet| sheet.table.file.strip_suffix(".csv") == Some(name))
    }

    fn list(&self, name: &str, rows: Vec<Object>) -> Option<Field> {
        let at = start(self.sheet(name)?.file);
        let rows = rows.into_iter().map(|(at, fields)| Node { at, kind: Kind::Object(fields) });
        Some(field(name, at, Node { at, kind: Kind::List(rows.collect()) }))
    }

    /// The rows of a table.
    fn objects(&self, name: &str) -> Vec<Object> {
        let Some(sheet) = self.sheet(name) else { return Vec::new() };
        sheet.rows.iter().map(|row| (row.at, fields(sheet, row, self.default))).collect()
    }

    /// `shop.csv`: one field of the document in each line.
    fn shop(&mut self) -> Vec<Field> {
        const LISTS: [&str; 2] = ["languages", "tips"];
        const FIELDS: [&str; 7] =
            ["rev", "currency", "languages", "brand", "poster", "ready_minutes", "tips"];
        let mut all: Vec<Field> = Vec::new();
        // Missing only if it could not be read, which was said.
        let Some(sheet) = self.sheet("shop") else { return all };
        let mut wrong = Vec::new();
        for row in fields_of_rows(sheet, self.default) {
            let ((Some(name), at), value) = (cell(&row, "field"), row.iter().find(|f| f.name == "value"))
            else {
                continue;
            };
            let (base, lang) = name.split_once('.').map_or((name, None), |(base, lang)| (base, Some(lang)));
            if !FIELDS.contains(&base) || (lang.is_some() && base != "brand") {
                let what = format!("the shop has no field \"{}\"", shown(name));
                wrong.push(fault(at, what, format!("the fields are {}", FIELDS.join(", "))));
                continue;
            }
            let Some(value) = value.map(|f| f.value.clone()) else { continue };
            let lang = lang.or((base == "brand").then_some(self.default));
            let value = if LISTS.contains(&base) { many(value) } else { value };
            put(&mut all, base, lang, at, value);
        }
        self.faults.extend(wrong);
        all
    }

    /// A tax rule with nothing in its cell for rates is about goods without tax.
    fn untaxed(&self, rules: &mut [Object]) {
        let Some(sheet) = self.sheet("tax_rules") else { return };
        let has_column = sheet.header.iter().any(|column| column.name == "rates");
        for (at, rule) in
            rules.iter_mut().filter(|(_, rule)| has_column && rule.iter().all(|f| f.name != "rates"))
        {
            rule.push(field("rates", *at, Node { at: *at, kind: Kind::List(Vec::new()) }));
        }
    }

    /// `name` is the default language's; `name.en` beside it would be another word for the same.
    fn doubled_texts(&mut self) {
        for sheet in self.sheets {
            for column in &sheet.header {
                let same = format!("{}.{}", column.name, self.default);
                if let Some(other) = sheet.header.iter().find(|c| c.name == same) {
                    let what =
                        format!("{} and {same} are the same: {} is the default", column.name, self.default);
                    self.faults.push(fault(other.at, what, "keep one of the columns"));
                }
            }
        }
    }

    /// Rows of a table that are parts of objects with an id.
    fn children(&mut self, table: &str, key: &str, parents: &mut [Object], into: &str, what: &str) {
        let rows = self.objects(table);
        self.adopt(rows, key, parents, into, what);
    }

    /// Puts each row into the list `into` of the parent whose id it names in `key`.
    fn adopt(&mut self, rows: Vec<Object>, key: &str, parents: &mut [Object], into: &str, what: &str) {
        let by_id = ids(parents, "id");
        for (at, mut fields) in rows {
            let Some(parent) = self.parent(&mut fields, at, key, &by_id, what) else { continue };
            append(&mut parents[parent].1, into, Node { at, kind: Kind::Object(fields) });
        }
    }

    /// Takes the field that names the parent out of a row.
    fn parent(
        &mut self,
        fields: &mut Vec<Field>,
        at: At,
        key: &str,
        parents: &BTreeMap<String, usize>,
        what: &str,
    ) -> Option<usize> {
        let Some(named) = take(fields, key) else {
            self.faults.push(fault(
                at,
                format!("the {what} is missing in this line"),
                format!("fill in {key}"),
            ));
            return None;
        };
        let id = words(&named.value).unwrap_or_default();
        let found = parents.get(id).copied();
        if found.is_none() {
            let what = format!("there is no {what} \"{}\"", shown(id));
            self.faults.push(fault(named.value.at, what, "correct the id, or add it to its own table"));
        }
        found
    }

    /// Items name their categories; a category holds them in the order of their lines.
    fn fill_categories(&mut self, categories: &mut [Object], items: &mut [Object]) {
        let by_id = ids(categories, "id");
        for category in categories.iter_mut() {
            let at = category.0;
            category.1.push(field("items", at, Node { at, kind: Kind::List(Vec::new()) }));
        }
        for (_, item) in items {
            let Some(Kind::List(named)) = take(item, "categories").map(|f| f.value.kind) else { continue };
            let id = item.iter().find(|f| f.name == "id").map(|f| f.value.clone());
            for category in named {
                let name = words(&category).unwrap_or_default();
                match (by_id.get(name), &id) {
                    (Some(at), Some(id)) => append(&mut categories[*at].1, "items", id.clone()),
                    (None, _) => {
                        let what = format!("there is no category \"{}\"", shown(name));
                        self.faults.push(fault(
                            category.at,
                            what,
                            "correct the id, or add it to categories.csv",
                        ));
                    }
                    (Some(_), None) => {}
                }
            }
        }
    }

    /// `meal_combo` and `meal_slot` become `meal`.
    fn meals(&mut self, items: &mut [Object]) {
        for (_, item) in items {
            let (combo, slot) = (take(item, "meal_combo"), take(item, "meal_slot"));
            let Some(at) = combo.as_ref().or(slot.as_ref()).map(|f| f.value.at) else { continue };
            let named = [("combo", combo), ("slot", slot)];
            let fields = named.into_iter().filter_map(|(name, f)| f.map(|f| field(name, f.at, f.value)));
            item.push(field("meal", at, Node { at, kind: Kind::Object(fields.collect()) }));
        }
    }

    /// What an item changes about a group stands in its own table, and may also be the only mention of it.
    fn item_groups(&mut self, items: &mut [Object]) {
        let by_id = ids(items, "id");
        for (at, mut row) in self.objects("item_groups") {
            let Some(parent) = self.parent(&mut row, at, "item", &by_id, "item") else { continue };
            let group =
                row.iter().find(|f| f.name == "group").and_then(|f| words(&f.value)).map(str::to_owned);
            let fields = &mut items[parent].1;
            let listed = fields.iter_mut().find(|f| f.name == "modifier_groups").and_then(|f| {
                match &mut f.value.kind {
                    Kind::List(groups) => groups.iter_mut().find(|g| words(g) == group.as_deref()),
                    _ => None,
                }
            });
            let object = Node { at, kind: Kind::Object(row) };
            match listed {
                Some(plain) => *plain = object,
                None => append(fields, "modifier_groups", object),
            }
        }
    }

    /// Choices go into the slot that they name together with its combo.
    fn choices(&mut self, slots: &mut [Object]) {
        let names = |fields: &[Field], slot: &str| {
            let (combo, slot) = (cell(fields, "combo").0?, cell(fields, slot).0?);
            Some(format!("{combo}/{slot}"))
        };
        let by_name: BTreeMap<String, usize> =
            slots.iter().enumerate().filter_map(|(at, (_, f))| Some((names(f, "id")?, at))).collect();
        for (at, mut row) in self.objects("combo_choices") {
            let named = names(&row, "slot").and_then(|name| by_name.get(&name).copied());
            let Some(slot) = named else {
                let what = "there is no such slot in combo_slots.csv";
                self.faults.push(fault(at, what, "correct combo and slot, or add the slot"));
                continue;
            };
            row.retain(|f| f.name != "combo" && f.name != "slot");
            append(&mut slots[slot].1, "choices", Node { at, kind: Kind::Object(row) });
        }
    }

    /// Item numbers go into the layout with their prefix.
    fn restricted_items(&mut self, rules: &mut [Object]) {
        let by_prefix = ids(rules, "prefix");
        for rule in rules.iter_mut() {
            let at = rule.0;
            rule.1.push(field("items", at, Node { at, kind: Kind::Object(Vec::new()) }));
        }
        for (at, mut row) in self.objects("restricted_items") {
            let Some(rule) = self.parent(&mut row, at, "prefix", &by_prefix, "prefix") else { continue };
            let (Some(number), Some(variation)) = (take(&mut row, "number"), take(&mut row, "variation"))
            else {
                self.faults.push(fault(at, "the number or the variation is missing", "fill in both"));
                continue;
            };
            let number_words = words(&number.value).unwrap_or_default().to_owned();
            if let Some(Field { value: Node { kind: Kind::Object(items), .. }, .. }) =
                rules[rule].1.iter_mut().find(|f| f.name == "items")
            {
                items.push(field(&number_words, number.value.at, variation.value));
            }
        }
    }

    /// `texts.csv`: words in one more language for a text anywhere in the document.
    fn texts(&mut self, root: &mut Node) {
        let Some(sheet) = self.sheet("texts") else { return };
        let mut wrong = Vec::new();
        for row in fields_of_rows(sheet, self.default) {
            let ((Some(place), at), (Some(lang), lang_at)) = (cell(&row, "place"), cell(&row, "language"))
            else {
                continue;
            };
            let Some(value) = row.iter().find(|f| f.name == "words").map(|f| f.value.clone()) else {
                continue;
            };
            let (path, name) = place.rsplit_once('.').unwrap_or(("", place));
            let mut steps = path.split('.').filter(|step| !step.is_empty());
            match steps.try_fold(&mut *root, child_mut).map(|node| &mut node.kind) {
                Some(Kind::Object(fields)) if has_language(fields, name, lang) => {
                    let what = format!("\"{}\" has words in {} already", shown(place), shown(lang));
                    wrong.push(fault(lang_at, what, "remove this line, or the words there"));
                }
                Some(Kind::Object(fields)) => put(fields, name, Some(lang), lang_at, value),
                _ => {
                    let what = format!("there is no place \"{}\"", shown(place));
                    wrong.push(fault(at, what, "write it as in items.classic.name"));
                }
            }
        }
        self.faults.extend(wrong);
    }
}

/// The first language of `shop.csv`.
fn default_language(sheets: &[Sheet]) -> String {
    let shop = sheets.iter().find(|sheet| sheet.table.file == super::tables::SHOP.file);
    let mut rows = shop.into_iter().flat_map(|sheet| fields_of_rows(sheet, ""));
    let languages = rows.find_map(|row| match (cell(&row, "field").0, cell(&row, "value").0) {
        (Some("languages"), Some(languages)) => Some(languages.to_owned()),
        _ => None,
    });
    let first = languages.as_deref().and_then(|all| all.split([';', ',']).next());
    first.map_or("en", str::trim).to_owned()
}

fn has_language(fields: &[Field], name: &str, lang: &str) -> bool {
    match fields.iter().find(|f| f.name == name).map(|f| &f.value.kind) {
        Some(Kind::Object(languages)) => languages.iter().any(|f| f.name == lang),
        Some(_) => true,
        None => false,
    }
}

/// The cells of a row as fields.
fn fields(sheet: &Sheet, row: &Row, default: &str) -> Vec<Field> {
    let mut fields = Vec::with_capacity(sheet.header.len());
    for column in &sheet.header {
        let Some(Cell { words, at }) = row.cells.get(column.index).filter(|cell| !cell.words.is_empty())
        else {
            continue;
        };
        let value = Node { at: *at, kind: Kind::Cell(words.clone()) };
        let (name, lang) = column.name.split_once('.').map_or((&*column.name, None), |(n, l)| (n, Some(l)));
        let lang = lang.or(sheet.table.texts.contains(&name).then_some(default));
        let value = if sheet.table.lists.contains(&name) { many(value) } else { value };
        put(&mut fields, name, lang, column.at, value);
    }
    fields
}

fn fields_of_rows<'s>(sheet: &'s Sheet, default: &'s str) -> impl Iterator<Item = Vec<Field>> {
    sheet.rows.iter().map(move |row| fields(sheet, row, default))
}

/// `bundle_buy` and `bundle_free` become `bundle`.
fn bundle((_, rule): &mut Object) {
    let (buy, free) = (take(rule, "bundle_buy"), take(rule, "bundle_free"));
    let Some(at) = buy.as_ref().or(free.as_ref()).map(|f| f.value.at) else { return };
    let named = [("buy", buy), ("free", free)];
    let fields = named.into_iter().filter_map(|(name, f)| f.map(|f| field(name, f.at, f.value)));
    rule.push(field("bundle", at, Node { at, kind: Kind::Object(fields.collect()) }));
}
