//! How kiosks should be: settings of their twins, names and tags.

use hyper::Method;
use serde_json::{Map, Value, json};

use super::address::path;
use super::ask::{self, Care};
use super::client::Client;
use super::failure::{Exit, Failure, Result};
use super::output::{As, Column, Show, column, list};
use super::screen::Screen;
use super::words::count;

/// Change how kiosks should be.
///
/// They take it when they are online; `fleetctl show` tells when they have.
#[derive(clap::Args, Debug)]
#[command(override_usage = "fleetctl set [OPTIONS] <KIOSK | -f FILTER> <KEY=VALUE...>")]
#[command(after_help = "\
Values are JSON where they can be read as JSON (true, 5, [1,2], \"5\"), and text where not.

Examples:
  fleetctl set t1.k0042 kiosk.language=de
  fleetctl set -f tag:canary kiosk.language=de --unset shop.footer --dry-run")]
pub(super) struct Set {
    /// A kiosk's id, then settings: `key=value`.
    #[arg(value_name = "KIOSK | KEY=VALUE", required = true)]
    words: Vec<String>,
    /// All active kiosks that this lets through.
    #[arg(short, long, value_name = "FILTER")]
    filter: Option<String>,
    /// Take a setting out; may be given more than once.
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    #[command(flatten)]
    care: Care,
    #[command(flatten)]
    form: As,
}

const CHANGES: &[Column] = &[
    column("KIOSK", "/kiosk", Show::Plain),
    column("SETTING", "/key", Show::Plain),
    column("WAS", "/was", Show::Plain),
    column("SHOULD BE", "/wanted", Show::Plain),
    column("REVISION", "/rev", Show::Plain),
];

const CHANGED: &[Column] = &[column("KIOSK", "/kiosk", Show::Plain), column("CHANGED", "/done", Show::Plain)];

/// Whom something is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Whom {
    Kiosk(String),
    Filter(String),
}

/// Takes words apart: the kiosk, if no filter says who it is, and pairs.
pub(super) fn whom(words: &[String], filter: Option<&String>) -> Result<(Whom, Vec<(String, String)>)> {
    let (pairs, others): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| word.contains('='));
    let whom = match (others.as_slice(), filter) {
        ([kiosk], None) => Whom::Kiosk((*kiosk).clone()),
        ([], Some(filter)) => Whom::Filter(filter.clone()),
        ([], None) => {
            return Err(Failure::usage("which kiosk?").next("name one, or say -f FILTER; -f '' are all"));
        }
        ([kiosk, ..], Some(_)) => {
            return Err(Failure::usage(format!("either {kiosk} or the filter says which kiosk")));
        }
        ([_, other, ..], None) => {
            return Err(Failure::usage(format!("{other:?} is neither the one kiosk nor key=value"))
                .next("for many kiosks: -f 'id=a or id=b'"));
        }
    };
    let pairs = pairs.iter().filter_map(|word| word.split_once('='));
    Ok((whom, pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()))
}

/// JSON if it is JSON, else text. What begins as JSON and is none was typed wrongly.
pub(super) fn value(text: &str) -> Result<Value> {
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        Err(error) if text.starts_with(['"', '[', '{']) => {
            Err(Failure::usage(format!("{text} is no JSON: {error}"))
                .next("text needs no quotes; what begins with \", [ or { has to be whole"))
        }
        Err(_) => Ok(Value::String(text.to_owned())),
    }
}

impl Set {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let (whom, pairs) = whom(&self.words, self.filter.as_ref())?;
        let mut desired = Map::new();
        for (key, text) in pairs {
            let value = value(&text)?;
            if value.is_null() {
                return Err(Failure::usage(format!("{key} cannot be null")).next(format!("--unset {key}")));
            }
            desired.insert(key, value);
        }
        desired.extend(self.unset.iter().map(|key| (key.clone(), Value::Null)));
        if desired.is_empty() {
            return Err(Failure::usage("nothing to set").next("say key=value or --unset KEY"));
        }
        match whom {
            Whom::Kiosk(kiosk) => self.one(screen, client, &kiosk, &desired),
            Whom::Filter(filter) => self.many(screen, client, &filter, &desired),
        }
    }

    fn one(
        &self,
        screen: &Screen,
        client: &Client,
        kiosk: &str,
        wanted: &Map<String, Value>,
    ) -> Result<Exit> {
        let at = path(&["kiosks", kiosk, "twin"]);
        let twin = client.get(&at)?;
        let mut rev = twin["rev"].clone();
        let was = |key: &String| twin["desired"].get(key).cloned().unwrap_or_default();
        let different: Map<String, Value> = wanted
            .iter()
            .filter(|(key, value)| was(key) != **value)
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        if !self.care.dry_run && !different.is_empty() {
            let known = format!("\"{rev}\"");
            let body = json!({ "desired": different });
            rev = client.send(Method::PATCH, &at, &[("If-Match", &known)], &body)?["rev"].take();
        }
        let row = |(key, value): (&String, &Value)| json!({ "kiosk": kiosk, "key": key, "was": was(key), "wanted": value, "rev": rev });
        let rows: Vec<Value> = different.iter().map(row).collect();
        list(screen, self.form.output, CHANGES, &rows)?;
        if different.is_empty() {
            screen.note("it should be so already: nothing to change");
        } else if self.care.dry_run {
            screen.note("dry run: nothing was changed");
        }
        Ok(Exit::Done)
    }

    fn many(
        &self,
        screen: &Screen,
        client: &Client,
        filter: &str,
        wanted: &Map<String, Value>,
    ) -> Result<Exit> {
        let ask = |dry_run: bool, expected: Option<&Value>| json!({ "filter": filter, "desired": wanted, "dry_run": dry_run, "expected": expected });
        let mut told = client.post("/v1/twins", &ask(true, None))?;
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        let (all, changing) = (number(&told["count"]), number(&told["changed"]));
        if !self.care.dry_run && changing > 0 {
            let what =
                format!("This changes {} of {all} that the filter lets through.", count(changing, "kiosk"));
            ask::confirm(screen, self.care.yes, &what, &changing.to_string())?;
            told = client.post("/v1/twins", &ask(false, Some(&told["count"])))?;
        }
        let rows: Vec<Value> = told["kiosks"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|kiosk| json!({ "kiosk": kiosk, "done": !self.care.dry_run }))
            .collect();
        list(screen, self.form.output, CHANGED, &rows)?;
        let verb = if self.care.dry_run { "would be changed (dry run)" } else { "changed" };
        screen.note(&format!("{} of {all} {verb}", number(&told["changed"])));
        Ok(Exit::Done)
    }
}

/// Give a kiosk another name.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: fleetctl rename t1.k0042 'Door, left'")]
pub(super) struct Rename {
    /// Its id.
    kiosk: String,
    /// For people.
    name: String,
}

impl Rename {
    pub(super) fn run(&self, client: &Client) -> Result<Exit> {
        client.send(Method::PATCH, &path(&["kiosks", &self.kiosk]), &[], &json!({ "name": self.name }))?;
        Ok(Exit::Done)
    }
}

/// Put tags on a kiosk or take them off; filters find them with tag:NAME.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: fleetctl tag t1.k0042 canary --remove new")]
pub(super) struct Tag {
    /// Its id.
    kiosk: String,
    /// To put on.
    tags: Vec<String>,
    /// To take off; may be given more than once.
    #[arg(long, value_name = "TAG")]
    remove: Vec<String>,
}

impl Tag {
    pub(super) fn run(&self, screen: &Screen, client: &Client) -> Result<Exit> {
        let at = path(&["kiosks", &self.kiosk]);
        let kiosk = client.get(&at)?;
        let mut tags: Vec<String> = kiosk["tags"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let before = tags.clone();
        tags.retain(|tag| !self.remove.contains(tag));
        for tag in &self.tags {
            if !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
        if tags != before {
            client.send(Method::PATCH, &at, &[], &json!({ "tags": tags }))?;
        }
        screen.print(&format!("{}\n", super::words::clean(&tags.join(" "))))?;
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kiosk_and_settings_are_told_apart() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (found, pairs) = whom(&words("t1.k1 a=1 b=x=y"), None).unwrap();
        assert_eq!(found, Whom::Kiosk("t1.k1".into()));
        assert_eq!(pairs, [("a".into(), "1".into()), ("b".into(), "x=y".into())]);
        let filter = "site=1".to_owned();
        assert_eq!(whom(&words("a=1"), Some(&filter)).unwrap().0, Whom::Filter(filter.clone()));
        for (text, filter) in [("a=1", None), ("k1 a=1", Some(&filter)), ("k1 k2 a=1", None)] {
            assert_eq!(whom(&words(text), filter).unwrap_err().exit, Exit::Usage, "{text}");
        }
        for (text, read) in [("5", json!(5)), ("de", json!("de")), ("\"5\"", json!("5"))] {
            assert_eq!(value(text).unwrap(), read);
        }
        for text in ["\"de", "[1,", "{a:1}"] {
            assert_eq!(value(text).unwrap_err().exit, Exit::Usage, "{text}");
        }
    }
}
