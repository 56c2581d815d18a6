//! Settings that the fleet may change. They lie in a file of their own beside the store and win over the machine's
//! files. Only keys that cannot cut the kiosk off or break a device are among them; whoever set the rest stands
//! in front of the machine.
//!
//! A file that cannot be used (of another version) is left out and told, never a reason not to start.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::fragments::{self, Fragment};
use super::{Settings, SettingsError};

/// The file, beside the store.
const FILE: &str = "fleet.toml";

const HEAD: &str = "# Written by kioskd: what the fleet wants. Changes here are lost.\n";

/// What the fleet wants, as far as it can be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The file.
    text: String,
    /// What cannot be done, by key, and why.
    pub errors: BTreeMap<String, String>,
}

impl Settings {
    /// With what the fleet wanted last, if that can be used; else as they are, with the reason.
    pub(crate) fn with_the_fleets(self) -> (Self, Option<SettingsError>) {
        let path = self.fleets_file();
        if !path.is_file() {
            return (self, None);
        }
        match Fragment::read(&path).and_then(|fragment| self.with(fragment)) {
            Ok(settings) => (settings, None),
            Err(error) => (self, Some(error)),
        }
    }

    fn fleets_file(&self) -> PathBuf {
        self.kiosk.data_dir.join(FILE)
    }

    /// The machine's own files and this fragment.
    fn with(&self, fragment: Fragment) -> Result<Self, SettingsError> {
        let fleets = self.fleets_file();
        let own = self.fragments.iter().filter(|fragment| fragment.path() != fleets).cloned();
        let settings = Self::merged(own.chain([fragment]).collect())?;
        crate::daemon::check(&settings)?;
        Ok(settings)
    }

    /// What becomes of the fleet's wishes: each is tried together with those before it.
    pub(crate) fn want(&self, wishes: &BTreeMap<String, Value>) -> Wanted {
        let mut table = toml::Table::new();
        let mut errors = BTreeMap::new();
        let known = self.in_force();
        for (key, value) in wishes {
            let tried = if known.contains_key(key.as_str()) {
                self.try_with(&table, key, value)
            } else {
                Err("the fleet cannot set this; it is set in the kiosk's own files".to_owned())
            };
            match tried {
                Ok(with) => table = with,
                Err(why) => drop(errors.insert(key.clone(), why)),
            }
        }
        Wanted { text: format!("{HEAD}{table}"), errors }
    }

    fn try_with(&self, table: &toml::Table, key: &str, value: &Value) -> Result<toml::Table, String> {
        let value = toml::Value::try_from(value).map_err(|_| "null is no value; unset the key".to_owned())?;
        let mut with = table.clone();
        let one = key.rsplit('.').fold(value, |below, step| {
            toml::Value::Table(toml::Table::from_iter([(step.to_owned(), below)]))
        });
        if let toml::Value::Table(one) = one {
            fragments::merge(&mut with, &one);
        }
        let text = with.to_string();
        let checked = Fragment::parse(&self.fleets_file(), text).and_then(|fragment| self.with(fragment));
        checked.map(|_| with).map_err(|error| without_place(&error))
    }

    /// Stores the wishes for the next start. Tells whether that will be another than this one.
    pub(crate) fn keep(&self, wanted: &Wanted) -> std::io::Result<bool> {
        let path = self.fleets_file();
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        if kept != wanted.text && !(kept.is_empty() && wanted.text == HEAD) {
            crate::files::replace(&path, wanted.text.as_bytes())?;
        }
        let next = Fragment::parse(&path, wanted.text.clone()).and_then(|fragment| self.with(fragment));
        Ok(next.is_ok_and(|next| next.in_force() != self.in_force()))
    }

    /// What the fleet may set, as it is now.
    pub(crate) fn in_force(&self) -> BTreeMap<&'static str, Value> {
        let Self { kiosk, shop, policy, log, .. } = self;
        BTreeMap::from([
            ("kiosk.language", json!(kiosk.language)),
            ("kiosk.time_zone", json!(kiosk.time_zone)),
            ("kiosk.cutover_hour", json!(kiosk.cutover_hour)),
            ("shop.header", json!(shop.header)),
            ("shop.footer", json!(shop.footer)),
            ("policy.pay_at_counter", json!(policy.pay_at_counter)),
            ("policy.kitchen_on_unpaid", json!(policy.kitchen_on_unpaid)),
            ("policy.tips", json!(policy.tips)),
            ("policy.print_without_asking", json!(policy.print_without_asking)),
            ("policy.age_restricted", json!(policy.age_restricted)),
            ("log.filter", json!(log.filter)),
        ])
    }
}

/// What is wrong, without the file and line of a text that nobody wrote.
fn without_place(error: &SettingsError) -> String {
    match error {
        SettingsError::Mistake { message, .. } | SettingsError::Value { message, .. } => message.clone(),
        SettingsError::Read { .. } | SettingsError::NotAFile { .. } | SettingsError::TooLarge { .. } => {
            error.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn settings(dir: &Path) -> Settings {
        let file = dir.join("kioskd.toml");
        std::fs::write(&file, "[kiosk]\ndata_dir = 'data'\nlanguage = 'en'\n[policy]\ntips = false\n")
            .unwrap();
        std::fs::create_dir_all(dir.join("data")).unwrap();
        Settings::load(&[file]).unwrap()
    }

    fn wishes(wishes: Value) -> BTreeMap<String, Value> {
        serde_json::from_value(wishes).unwrap()
    }

    #[test]
    fn what_can_be_done_is_kept_for_the_next_start_and_the_rest_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let now = settings(dir.path());
        let wanted = now.want(&wishes(json!({
            "kiosk.language": "de", "kiosk.cutover_hour": 77, "policy.tips": "yes", "printer.endpoint": "usb",
            "kiosk.time_zone": "Mars/Base", "log.filter": "=", "shop.header": ["Alder & Rye", "1 Lane"],
            "policy.age_restricted": null,
        })));
        let told: Vec<&str> = wanted.errors.keys().map(String::as_str).collect();
        assert_eq!(
            told,
            [
                "kiosk.cutover_hour",
                "kiosk.time_zone",
                "log.filter",
                "policy.age_restricted",
                "policy.tips",
                "printer.endpoint"
            ]
        );
        assert_eq!(wanted.errors["kiosk.cutover_hour"], "must be an hour from 0 to 23");
        assert!(now.keep(&wanted).unwrap(), "the next start is another");
        let (next, error) = settings(dir.path()).with_the_fleets();
        assert!(error.is_none());
        assert_eq!((next.kiosk.language.as_str(), next.shop.header.len()), ("de", 2));
        assert!(!next.policy.tips, "the machine's own files still count");
        let less = next.want(&wishes(json!({ "kiosk.language": "de" })));
        assert!(next.keep(&less).unwrap(), "the header is gone again");
    }

    #[test]
    fn what_is_wanted_no_longer_is_as_the_machines_files_say() {
        let dir = tempfile::tempdir().unwrap();
        let now = settings(dir.path());
        now.keep(&now.want(&wishes(json!({ "kiosk.language": "de" })))).unwrap();
        let (german, _) = settings(dir.path()).with_the_fleets();
        assert!(!german.keep(&german.want(&wishes(json!({ "kiosk.language": "de" })))).unwrap(), "as it is");
        assert!(german.keep(&german.want(&wishes(json!({})))).unwrap());
        let (english, _) = settings(dir.path()).with_the_fleets();
        assert_eq!(english.kiosk.language, "en");
    }

    #[test]
    fn a_file_that_cannot_be_used_is_told_and_left_out() {
        let dir = tempfile::tempdir().unwrap();
        settings(dir.path());
        std::fs::write(dir.path().join("data").join(FILE), "[kiosk]\nfuture = 1\n").unwrap();
        let (now, error) = settings(dir.path()).with_the_fleets();
        assert_eq!(now.kiosk.language, "en");
        assert!(error.unwrap().to_string().contains("fleet.toml:2:"));
    }
}
