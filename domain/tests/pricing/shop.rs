//! Small catalogs and carts for the tests.

use std::collections::BTreeMap;

use domain::cart::{Cart, CartLine, ComboPick, LabelValue, ModifierChoice, ServiceMode};
use domain::catalog::{
    Allergens, Catalog, CatalogParts, ComboChoice, ComboSlot, Diet, GroupStyle, Item, ItemGroup, ItemKind,
    Modifier, ModifierGroup, Price, PriceRule, RuleKind, RuleTarget, Surcharge, SurchargeAmount,
    SurchargeTax, TaxRate, TaxRule, Variation,
};
use domain::ids::{
    GroupId, ItemId, LineId, ModifierId, RuleId, SlotId, SurchargeId, TaxClassId, TaxRateId, VariationId,
};
use domain::money::{Currency, Minor, Quantity, Rate};
use domain::pricing::{PriceContext, PriceError, Priced, price};
use domain::text::{Lang, Text};
use domain::time::{Date, LocalTime, Weekday};

/// A catalog in the making. Every item has one variation with the item's id.
pub struct Shop {
    pub parts: CatalogParts,
    pub mode: ServiceMode,
}

pub fn text(words: &str) -> Text {
    Text::single(&Lang::new("en"), words)
}

pub fn shop() -> Shop {
    let parts = CatalogParts {
        rev: 1,
        currency: Currency::EUR,
        languages: vec![Lang::new("en")],
        brand: text("Test shop"),
        poster: domain::catalog::Poster::Dish,
        tax_rates: BTreeMap::new(),
        tax_rules: vec![],
        categories: vec![],
        items: BTreeMap::new(),
        groups: BTreeMap::new(),
        availability: BTreeMap::new(),
        barcodes: BTreeMap::new(),
        restricted_numbers: vec![],
        rules: vec![],
        surcharges: vec![],
        tips: vec![],
        ready_minutes: 0,
    };
    Shop { parts, mode: ServiceMode::TakeAway }
}

impl Shop {
    pub fn currency(mut self, code: &[u8; 3], exponent: u8) -> Self {
        self.parts.currency = Currency { code: *code, exponent };
        self
    }

    /// A rate in 1e-4 %.
    pub fn rate(mut self, id: &str, rate: i32, inclusive: bool, compound_order: u8) -> Self {
        let rate = TaxRate { name: text(id), rate: Rate(rate), inclusive, compound_order, letter: None };
        self.parts.tax_rates.insert(TaxRateId::new(id), rate);
        self
    }

    /// A class with the same rates in every mode.
    pub fn class(self, class: &str, rates: &[&str]) -> Self {
        self.class_in(None, class, rates)
    }

    pub fn class_in(mut self, mode: Option<ServiceMode>, class: &str, rates: &[&str]) -> Self {
        let rates = rates.iter().map(|r| TaxRateId::new(r)).collect();
        let class = TaxClassId::new(class);
        self.parts.tax_rules.push(TaxRule { class, mode, rates, from: None, until: None });
        self
    }

    pub fn item(self, id: &str, price: i64, class: &str) -> Self {
        self.with(id, Price::Fixed(Minor(price)), class, ItemKind::Product)
    }

    pub fn with(mut self, id: &str, price: Price, class: &str, kind: ItemKind) -> Self {
        let variation = Variation {
            id: VariationId::new(id),
            name: Text::default(),
            sku: None,
            price,
            deposit: None,
            picture: None,
            kcal: 0,
        };
        let item = Item {
            id: ItemId::new(id),
            kind,
            name: text(id),
            tagline: Text::default(),
            description: Text::default(),
            kitchen_name: id.into(),
            station: None,
            picture: "".into(),
            tax_class: TaxClassId::new(class),
            variations: vec![variation],
            groups: vec![],
            allergens: Some(Allergens::default()),
            may_contain: Allergens::default(),
            diet: Diet::Any,
            kcal: 0,
            age_min: 0,
            availability: vec![],
            sold_out: None,
            discountable: true,
            meal: None,
        };
        self.parts.items.insert(item.id.clone(), item);
        self
    }

    pub fn deposit(mut self, carrier: &str, deposit: &str) -> Self {
        let item = self.parts.items.get_mut(&ItemId::new(carrier)).unwrap();
        item.variations[0].deposit = Some(VariationId::new(deposit));
        self
    }

    /// A combo with one slot per component; each slot's choices come with their extra price.
    pub fn combo(self, id: &str, price: i64, class: &str, slots: &[&[(&str, i64)]]) -> Self {
        let slot = |(at, choices): (usize, &&[(&str, i64)])| ComboSlot {
            id: SlotId::new(&format!("s{at}")),
            name: text("slot"),
            min: 1,
            max: 1,
            choices: choices
                .iter()
                .enumerate()
                .map(|(at, (variation, extra))| ComboChoice {
                    variation: VariationId::new(variation),
                    extra: Minor(*extra),
                    default: at == 0,
                })
                .collect(),
        };
        let slots = slots.iter().enumerate().map(slot).collect();
        self.with(id, Price::Fixed(Minor(price)), class, ItemKind::Combo(slots))
    }

    /// A group of modifiers on an item, each as (id, delta, max).
    pub fn group(mut self, item: &str, id: &str, free: u32, modifiers: &[(&str, i64, u32)]) -> Self {
        let modifier = |(id, delta, max): &(&str, i64, u32)| Modifier {
            id: ModifierId::new(id),
            name: text(id),
            kitchen_name: (*id).into(),
            price: Minor(*delta),
            max: *max,
            default: false,
            picture: "".into(),
            adds: Allergens::default(),
            removes: Allergens::default(),
            kcal: 0,
            sold_out: false,
        };
        let group = ModifierGroup {
            id: GroupId::new(id),
            name: text(id),
            style: GroupStyle::Extra,
            min: 0,
            max: modifiers.iter().map(|m| m.2).sum(),
            free,
            modifiers: modifiers.iter().map(modifier).collect(),
        };
        let on_item =
            ItemGroup { group: group.id.clone(), min: None, max: None, defaults: None, hidden: vec![] };
        self.parts.groups.insert(group.id.clone(), group);
        self.parts.items.get_mut(&ItemId::new(item)).unwrap().groups.push(on_item);
        self
    }

    pub fn rule(self, id: &str, kind: RuleKind) -> Self {
        self.rule_on(id, kind, RuleTarget::All, 0, None)
    }

    pub fn rule_on(
        mut self,
        id: &str,
        kind: RuleKind,
        target: RuleTarget,
        priority: i32,
        stack_group: Option<&str>,
    ) -> Self {
        self.parts.rules.push(PriceRule {
            id: RuleId::new(id),
            name: text(id),
            kind,
            target,
            priority,
            stack_group: stack_group.map(Into::into),
            availability: vec![],
            mode: None,
            min_subtotal: Minor::ZERO,
            coupon: None,
        });
        self
    }

    pub fn surcharge(mut self, id: &str, amount: SurchargeAmount, tax: SurchargeTax) -> Self {
        let surcharge = Surcharge { id: SurchargeId::new(id), name: text(id), amount, tax, mode: None };
        self.parts.surcharges.push(surcharge);
        self
    }

    pub fn mode(mut self, mode: ServiceMode) -> Self {
        self.mode = mode;
        self
    }

    pub fn price(&self, cart: &Cart) -> Result<Priced, PriceError> {
        let catalog = Catalog::new(self.parts.clone()).expect("the test's catalog is in order");
        let priced = price(&catalog, cart, &context(self.mode))?;
        priced.check().expect("the sums hold");
        Ok(priced)
    }

    /// Prices lines given as (item, pieces).
    pub fn sell(&self, lines: &[(&str, i64)]) -> Priced {
        self.price(&cart(lines)).unwrap()
    }
}

pub fn context(mode: ServiceMode) -> PriceContext {
    let date = Date { year: 2026, month: 3, day: 2 };
    PriceContext { mode, at: LocalTime { date, weekday: Weekday::Monday, minute: 720, second: 0 }, date }
}

pub fn cart(lines: &[(&str, i64)]) -> Cart {
    let lines = lines.iter().zip(1..).map(|((item, pieces), id)| line(id, item, *pieces)).collect();
    Cart { lines, coupons: vec![] }
}

pub fn line(id: u32, item: &str, pieces: i64) -> CartLine {
    CartLine {
        id: LineId(id),
        item: ItemId::new(item),
        variation: VariationId::new(item),
        quantity: Quantity(pieces * Quantity::ONE.0),
        modifiers: vec![],
        picks: vec![],
        label: None,
    }
}

pub fn labelled(item: &str, quantity: i64, label: LabelValue) -> Cart {
    let line = CartLine { quantity: Quantity(quantity), label: Some(label), ..line(1, item, 1) };
    Cart { lines: vec![line], coupons: vec![] }
}

/// A cart with one line of combos; the picks fill the slots in order.
pub fn combos(combo: &str, pieces: i64, picks: &[&str]) -> Cart {
    let picks = picks.iter().enumerate().map(|(at, variation)| ComboPick {
        slot: SlotId::new(&format!("s{at}")),
        variation: VariationId::new(variation),
        count: 1,
        modifiers: vec![],
    });
    let line = CartLine { picks: picks.collect(), ..line(1, combo, pieces) };
    Cart { lines: vec![line], coupons: vec![] }
}

pub fn choice(group: &str, modifier: &str, count: u32) -> ModifierChoice {
    ModifierChoice { group: GroupId::new(group), modifier: ModifierId::new(modifier), count }
}

/// The nets of the lines that carry an amount.
pub fn nets(priced: &Priced) -> Vec<i64> {
    let header = |l: &&domain::pricing::PricedLine| {
        l.gross == Minor::ZERO && l.unit == Minor::ZERO && l.taxes.is_empty()
    };
    priced.lines.iter().filter(|l| !header(l)).map(|l| l.net.0).collect()
}

/// (base, tax) per rate, in the order of the rates' ids.
pub fn taxes(priced: &Priced) -> Vec<(i64, i64)> {
    priced.taxes.iter().map(|t| (t.base.0, t.tax.0)).collect()
}

/// The tax at one rate of each line that has it.
pub fn line_taxes(priced: &Priced, rate: &str) -> Vec<i64> {
    let rate = TaxRateId::new(rate);
    let taxes = priced.lines.iter().flat_map(|l| &l.taxes);
    taxes.filter(|(id, _)| *id == rate).map(|(_, tax)| tax.0).collect()
}
