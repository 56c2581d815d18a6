//! What is sold: items with their versions, slots and modifier groups.

use std::sync::Arc;

use domain::catalog::{
    Allergens, ComboChoice, ComboSlot, Diet, GroupStyle, Item, ItemGroup, ItemKind, MealOffer, Modifier,
    ModifierGroup, Price, SoldOut, Variation,
};
use domain::ids::{AvailabilityId, GroupId, ItemId, ModifierId, SlotId, TaxClassId, VariationId};
use domain::money::Minor;
use domain::text::Text;

use super::super::fields::{Object, Path, Reader, list};
use super::super::node::{Kind, Node};
use super::super::values::{
    allergens, amount, arc, boolean, id, moment, number, stated_allergens, text, word,
};
use super::super::words::{DIETS, KINDS, Kinds, STYLES};
use super::{kitchen_name, optional_text};

pub(super) fn item(reader: &mut Reader, node: &Node, path: &Path) -> Option<(ItemId, Item)> {
    let mut o = Object::open(reader, node, path)?;
    let id_ = o.required("id", id(ItemId::new));
    let name = o.required("name", text);
    let kind = kind(&mut o);
    let tax_class = o.required("tax_class", id(TaxClassId::new));
    let variations = variations(&mut o, id_.as_ref());
    let tagline = optional_text(&mut o, "tagline");
    let description = optional_text(&mut o, "description");
    let kitchen = o.maybe("kitchen_name", arc);
    let station = o.maybe("station", arc);
    let picture = o.or("picture", "".into(), arc);
    let groups = o.list("modifier_groups", item_group);
    let contains = o.maybe("allergens", stated_allergens);
    let may_contain = o.or("may_contain", Allergens::default(), allergens);
    let diet = o.or("diet", Diet::Any, word(DIETS));
    let kcal = o.or("kcal", 0, number::<u32>);
    let age_min = o.or("age_min", 0, number::<u8>);
    let availability = o.list("availability", id(AvailabilityId::new));
    let sold_out = o.or("sold_out", None, sold_out);
    let discountable = o.or("discountable", true, boolean);
    let meal = o.maybe("meal", meal);
    o.finish();
    let (id, name) = (id_?, name?);
    let item = Item {
        id: id.clone(),
        kind: kind?,
        kitchen_name: kitchen_name(reader, kitchen?, &name),
        name,
        tagline: tagline?,
        description: description?,
        station: station?,
        picture: picture?,
        tax_class: tax_class?,
        variations: variations?,
        groups: groups?,
        allergens: contains?,
        may_contain: may_contain?,
        diet: diet?,
        kcal: kcal?,
        age_min: age_min?,
        availability: availability?,
        sold_out: sold_out?,
        discountable: discountable?,
        meal: meal?,
    };
    Some((id, item))
}

fn kind(o: &mut Object) -> Option<ItemKind> {
    let kind = o.or("kind", Kinds::Product, word(KINDS));
    let slots = o.maybe("slots", |r: &mut Reader, n: &Node, p: &Path| list(r, n, p, slot))?;
    match (kind?, slots) {
        (Kinds::Product, None) => Some(ItemKind::Product),
        (Kinds::Deposit, None) => Some(ItemKind::Deposit),
        (Kinds::GiftCard, None) => Some(ItemKind::GiftCard),
        (Kinds::Combo, Some(slots)) => Some(ItemKind::Combo(slots)),
        (Kinds::Combo, None) => o.fault("a combo without \"slots\"", "add \"slots\" with what can be chosen"),
        (Kinds::Product | Kinds::Deposit | Kinds::GiftCard, Some(_)) => o.fault(
            "\"slots\" on something that is not a combo",
            "write \"kind\": \"combo\", or remove the slots",
        ),
    }
}

/// The versions of an item; one without a list of them is its only version and shares its id.
fn variations(o: &mut Object, item: Option<&ItemId>) -> Option<Vec<Variation>> {
    let several = o.maybe("variations", |r: &mut Reader, n: &Node, p: &Path| list(r, n, p, variation));
    let elsewhere = o.has("variations");
    let price = price(o, elsewhere);
    let sku = o.maybe("sku", arc);
    let deposit = o.maybe("deposit", id(VariationId::new));
    let (sku, deposit) = (sku?, deposit?);
    match several? {
        Some(_) if sku.is_some() || deposit.is_some() => {
            o.fault("\"sku\" and \"deposit\" belong to each of the variations", "move them there")
        }
        Some(several) => price.map(|_| several),
        None => {
            let id = VariationId::new(item?.as_str());
            let (name, price) = (Text::default(), price??);
            Some(vec![Variation { id, name, sku, price, deposit, picture: None, kcal: 0 }])
        }
    }
}

/// The price of an object; `Some(None)` when there is none and none must be.
fn price(o: &mut Object, elsewhere: bool) -> Option<Option<Price>> {
    let (each, per_kg) = (o.maybe("price", amount), o.maybe("price_per_kg", amount));
    match ((each?, per_kg?), elsewhere) {
        ((None, None), true) => Some(None),
        ((Some(price), None), false) => Some(Some(Price::Fixed(price))),
        ((None, Some(price)), false) => Some(Some(Price::PerWeight(price))),
        ((None, None), false) => o.fault("the price is missing", "add \"price\" or \"price_per_kg\""),
        (_, true) => o.fault("a price beside \"variations\"", "write the price into each variation"),
        ((Some(_), Some(_)), false) => o.fault("\"price\" and \"price_per_kg\" together", "keep one of them"),
    }
}

fn variation(reader: &mut Reader, node: &Node, path: &Path) -> Option<Variation> {
    let mut o = Object::open(reader, node, path)?;
    let id_ = o.required("id", id(VariationId::new));
    let name = o.required("name", text);
    let price = price(&mut o, false);
    let sku = o.maybe("sku", arc);
    let deposit = o.maybe("deposit", id(VariationId::new));
    let picture = o.maybe("picture", arc);
    let kcal = o.or("kcal", 0, number::<u32>);
    o.finish();
    Some(Variation {
        id: id_?,
        name: name?,
        sku: sku?,
        price: price??,
        deposit: deposit?,
        picture: picture?,
        kcal: kcal?,
    })
}

fn sold_out(reader: &mut Reader, node: &Node, path: &Path) -> Option<Option<SoldOut>> {
    if !matches!(node.kind, Kind::Object(_)) {
        return boolean(reader, node, path).map(|yes| yes.then_some(SoldOut { until: None }));
    }
    let mut o = Object::open(reader, node, path)?;
    let until = o.required("until", moment);
    o.finish();
    Some(Some(SoldOut { until: Some(until?) }))
}

fn meal(reader: &mut Reader, node: &Node, path: &Path) -> Option<MealOffer> {
    let mut o = Object::open(reader, node, path)?;
    let combo = o.required("combo", id(ItemId::new));
    let slot = o.required("slot", id(SlotId::new));
    o.finish();
    Some(MealOffer { combo: combo?, slot: slot? })
}

fn item_group(reader: &mut Reader, node: &Node, path: &Path) -> Option<ItemGroup> {
    if !matches!(node.kind, Kind::Object(_)) {
        let group = id(GroupId::new)(reader, node, path)?;
        return Some(ItemGroup { group, min: None, max: None, defaults: None, hidden: Vec::new() });
    }
    let mut o = Object::open(reader, node, path)?;
    let group = o.required("group", id(GroupId::new));
    let min = o.maybe("min", number::<u32>);
    let max = o.maybe("max", number::<u32>);
    let defaults =
        o.maybe("defaults", |r: &mut Reader, n: &Node, p: &Path| list(r, n, p, id(ModifierId::new)));
    let hidden = o.list("hidden", id(ModifierId::new));
    o.finish();
    Some(ItemGroup { group: group?, min: min?, max: max?, defaults: defaults?, hidden: hidden? })
}

fn slot(reader: &mut Reader, node: &Node, path: &Path) -> Option<ComboSlot> {
    let mut o = Object::open(reader, node, path)?;
    let id_ = o.required("id", id(SlotId::new));
    let name = o.required("name", text);
    let min = o.or("min", 1, number::<u32>);
    let max = o.or("max", 1, number::<u32>);
    let choices = o.required("choices", |r: &mut Reader, n: &Node, p: &Path| list(r, n, p, combo_choice));
    o.finish();
    Some(ComboSlot { id: id_?, name: name?, min: min?, max: max?, choices: choices? })
}

fn combo_choice(reader: &mut Reader, node: &Node, path: &Path) -> Option<ComboChoice> {
    if !matches!(node.kind, Kind::Object(_)) {
        let variation = id(VariationId::new)(reader, node, path)?;
        return Some(ComboChoice { variation, extra: Minor::ZERO, default: false });
    }
    let mut o = Object::open(reader, node, path)?;
    let variation = o.required("variation", id(VariationId::new));
    let extra = o.or("extra", Minor::ZERO, amount);
    let default = o.or("default", false, boolean);
    o.finish();
    Some(ComboChoice { variation: variation?, extra: extra?, default: default? })
}

pub(super) fn group(reader: &mut Reader, node: &Node, path: &Path) -> Option<(GroupId, ModifierGroup)> {
    let mut o = Object::open(reader, node, path)?;
    let id_ = o.required("id", id(GroupId::new));
    let name = o.required("name", text);
    let style = o.or("style", GroupStyle::Choice, word(STYLES));
    let min = o.or("min", 0, number::<u32>);
    let max = o.or("max", 1, number::<u32>);
    let free = o.or("free", 0, number::<u32>);
    let modifiers = o.required("modifiers", |r: &mut Reader, n: &Node, p: &Path| list(r, n, p, modifier));
    o.finish();
    let id = id_?;
    let group = ModifierGroup {
        id: id.clone(),
        name: name?,
        style: style?,
        min: min?,
        max: max?,
        free: free?,
        modifiers: modifiers?,
    };
    Some((id, group))
}

fn modifier(reader: &mut Reader, node: &Node, path: &Path) -> Option<Modifier> {
    let mut o = Object::open(reader, node, path)?;
    let id_ = o.required("id", id(ModifierId::new));
    let name = o.required("name", text);
    let kitchen = o.maybe("kitchen_name", arc);
    let price = o.or("price", Minor::ZERO, amount);
    let max = o.or("max", 1, number::<u32>);
    let default = o.or("default", false, boolean);
    let picture: Option<Arc<str>> = o.or("picture", "".into(), arc);
    let adds = o.or("adds", Allergens::default(), allergens);
    let removes = o.or("removes", Allergens::default(), allergens);
    let kcal = o.or("kcal", 0, number::<i32>);
    let sold_out = o.or("sold_out", false, boolean);
    o.finish();
    let name = name?;
    Some(Modifier {
        id: id_?,
        kitchen_name: kitchen_name(reader, kitchen?, &name),
        name,
        price: price?,
        max: max?,
        default: default?,
        picture: picture?,
        adds: adds?,
        removes: removes?,
        kcal: kcal?,
        sold_out: sold_out?,
    })
}
