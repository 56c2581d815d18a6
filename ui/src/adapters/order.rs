//! The order: beside the landscape menu, and on the cart page.

use std::rc::Rc;

use domain::catalog::GroupStyle;
use domain::ids::LineId;
use domain::intent::{CartIntent, PayIntent};
use domain::view::{CartLineView, CartView, LineDetail, MenuView, TaxView};
use domain::{Intent, View};
use slint::{ComponentHandle, Global, SharedString, Weak};

use super::rows::{Paged, Rows};
use super::{Context, IntentSender, format, integer, reason, tint};
use crate::pages::{CartAdapter, MainWindow, OrderAdapter, OrderLine, PayAdapter, SumLine, Theme};

/// Lines on a page of the cart, and of the column beside the landscape menu.
const LINES_PER_PAGE: usize = 3;

pub(super) struct Adapter {
    window: Weak<MainWindow>,
    lines: Paged<OrderLine>,
    sums: Rows<SumLine>,
    pictures: Rows<SharedString>,
}

impl Adapter {
    pub fn connect(window: &MainWindow, send: &IntentSender) -> Rc<Self> {
        let adapter = Rc::new(Self {
            window: window.as_weak(),
            lines: Paged::default(),
            sums: Rows::default(),
            pictures: Rows::default(),
        });
        adapter.connect_lines(window, send);
        let cart = CartAdapter::get(window);
        cart.set_sums(adapter.sums.model());
        cart.set_pictures(adapter.pictures.model());
        let simple = |intent: Intent| {
            let send = Rc::clone(send);
            move || send(intent.clone())
        };
        cart.on_undo_remove(simple(Intent::Cart(CartIntent::Undo)));
        cart.on_add_more(simple(Intent::ShowMenu));
        cart.on_pay(simple(Intent::Cart(CartIntent::Checkout)));
        PayAdapter::get(window).on_back(simple(Intent::Pay(PayIntent::BackToOrder)));
        adapter
    }

    fn connect_lines(self: &Rc<Self>, window: &MainWindow, send: &IntentSender) {
        let order = OrderAdapter::get(window);
        order.set_lines(self.lines.model());
        let wish = |make: fn(LineId) -> CartIntent| {
            let send = Rc::clone(send);
            move |id: SharedString| {
                if let Some(line) = line_id(&id) {
                    send(Intent::Cart(make(line)));
                }
            }
        };
        order.on_change(wish(CartIntent::Change));
        order.on_remove(wish(CartIntent::Remove));
        order.on_review({
            let send = Rc::clone(send);
            move || send(Intent::Cart(CartIntent::Show))
        });
        order.on_quantity({
            let send = Rc::clone(send);
            move |id, by| {
                if let Some(line) = line_id(&id) {
                    send(Intent::Cart(CartIntent::Quantity(line, by)));
                }
            }
        });
        order.on_turn({
            let adapter = Rc::downgrade(self);
            move |by| {
                if let Some(adapter) = adapter.upgrade() {
                    adapter.lines.turn(by);
                    adapter.show_page_number();
                }
            }
        });
    }

    /// The open order of the landscape menu.
    pub fn apply_beside_menu(&self, context: &Context, menu: &MenuView) {
        OrderAdapter::get(context.window).set_tax(context.money(menu.tax));
        self.show_lines(context, &menu.lines, LINES_PER_PAGE);
    }

    /// The cart page.
    pub fn apply_cart(&self, context: &Context, view: &View, cart: &CartView) {
        let sums = sums(context, cart);
        let per_page = lines_per_page(context, cart, sums.len());
        self.sums.show(sums);
        self.show_lines(context, &cart.lines, per_page);
        self.pictures.show(
            cart.lines
                .iter()
                .take(3)
                .filter(|line| !line.picture.is_empty())
                .map(|line| line.picture.as_ref().into()),
        );
        let words = context.words();
        let page = CartAdapter::get(context.window);
        let count = integer(view.cart.count);
        page.set_summary(match (count, cart.ready_minutes) {
            (0, _) => words.invoke_nothing_yet(),
            (_, 0) => words.invoke_items(count),
            (_, minutes) => words.invoke_items_ready(count, integer(minutes)),
        });
        page.set_undo(cart.undo.is_some());
        if let Some(undo) = &cart.undo {
            page.set_undo_text(words.invoke_removed(undo.name.as_ref().into()));
        }
        page.set_scanner(cart.scanner);
        page.set_blocked(cart.blocked);
    }

    fn show_lines(&self, context: &Context, lines: &[CartLineView], per_page: usize) {
        self.lines.fill(lines.iter().map(|line| order_line(context, line)).collect(), per_page);
        self.show_page_number();
    }

    fn show_page_number(&self) {
        if let Some(window) = self.window.upgrade() {
            let order = OrderAdapter::get(&window);
            order.set_page(self.lines.page());
            order.set_pages(self.lines.page_count());
        }
    }
}

/// A fourth line fits in portrait when neither the undo bar nor the voucher hint stands below.
fn lines_per_page(context: &Context, cart: &CartView, sums: usize) -> usize {
    let portrait = !Theme::get(context.window).get_landscape();
    let free = cart.undo.is_none() && !cart.scanner && sums <= 1 && cart.lines.len() == LINES_PER_PAGE + 1;
    if portrait && free { LINES_PER_PAGE + 1 } else { LINES_PER_PAGE }
}

fn order_line(context: &Context, line: &CartLineView) -> OrderLine {
    OrderLine {
        id: line.line.0.to_string().into(),
        name: line.name.as_ref().into(),
        details: details(context, &line.details).into(),
        picture: line.picture.as_ref().into(),
        tint: tint(line.tint),
        quantity: integer(line.quantity),
        total: context.money(line.total),
        can_change: line.can_change,
        trouble: line.unavailable.map(|why| reason(context, why)).unwrap_or_default(),
    }
}

fn line_id(text: &str) -> Option<LineId> {
    text.parse().ok().map(LineId)
}

/// "Fried egg · no onion".
pub(super) fn details(context: &Context, details: &[LineDetail]) -> String {
    let words = context.words();
    let mut text = String::new();
    for (at, detail) in details.iter().enumerate() {
        let name = match detail.style {
            GroupStyle::Choice | GroupStyle::Extra => detail.name.to_string(),
            GroupStyle::Without => {
                let name = format::inside_sentence(&detail.name, context.lang);
                words.invoke_without(name.into()).to_string()
            }
        };
        let name = if detail.count > 1 {
            words.invoke_times(integer(detail.count), name.into()).to_string()
        } else {
            name
        };
        if at > 0 {
            text.push_str(" · ");
            text.push_str(&format::inside_sentence(&name, context.lang));
        } else {
            text.push_str(&name);
        }
    }
    text
}

/// Surcharges, discounts and taxes, one line each; included taxes share one.
fn sums(context: &Context, cart: &CartView) -> Vec<SumLine> {
    let mut sums = Vec::new();
    for (name, amount) in &cart.surcharges {
        sums.push(SumLine { name: name.as_ref().into(), amount: context.money(*amount) });
    }
    for (name, amount) in &cart.discounts {
        sums.push(SumLine { name: name.as_ref().into(), amount: context.money(-*amount) });
    }
    let words = context.words();
    let with_rate =
        |tax: &TaxView| format!("{} {}", format::rate(tax.rate, context.lang), context.money(tax.tax));
    for tax in cart.taxes.iter().filter(|tax| !tax.inclusive) {
        let name = words.invoke_plus_vat(format::rate(tax.rate, context.lang).into());
        sums.push(SumLine { name, amount: context.money(tax.tax) });
    }
    let included: Vec<String> = cart.taxes.iter().filter(|tax| tax.inclusive).map(with_rate).collect();
    if !included.is_empty() {
        sums.push(SumLine { name: words.invoke_includes_vat(), amount: included.join("  ·  ").into() });
    }
    sums
}
