//! Tree to condition.

use tokio_postgres::types::ToSql;

use super::{Compare, Filter, NumberField, TextField, TextTest};

/// A value that is bound to a statement.
pub(crate) type Parameter = Box<dyn ToSql + Send + Sync>;

/// Text of a statement and the values that are bound to it. Only what is `'static` becomes text, so nothing
/// that came from outside can.
#[derive(Default)]
pub(crate) struct Sql {
    text: String,
    parameters: Vec<Parameter>,
}

impl Sql {
    /// The text so far.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Adds text.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value in this place.
    pub(crate) fn bind(&mut self, value: impl ToSql + Send + Sync + 'static) -> &mut Self {
        self.parameters.push(Box::new(value));
        self.text.push('$');
        self.text.push_str(&self.parameters.len().to_string());
        self
    }

    /// Adds a condition (beginning with ` AND `) if a value is given.
    pub(crate) fn equal<T: ToSql + Send + Sync + 'static>(
        &mut self,
        column: &'static str,
        value: Option<T>,
    ) -> &mut Self {
        match value {
            Some(value) => self.push(" AND ").push(column).push(" = ").bind(value),
            None => self,
        }
    }

    /// The values, as statements take them.
    pub(crate) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.parameters.iter().map(|parameter| &**parameter as &(dyn ToSql + Sync)).collect()
    }

    pub(super) fn filter(&mut self, filter: &Filter) {
        match filter {
            Filter::All(parts) => self.join(parts, " AND ", "true"),
            Filter::Any(parts) => self.join(parts, " OR ", "false"),
            Filter::Not(inner) => {
                // What is not known is not so: the opposite of it is.
                self.push("(");
                self.filter(inner);
                self.push(") IS NOT TRUE");
            }
            Filter::Text(field, test, value) => self.text_test(*field, *test, value),
            Filter::Number(field, compare, value) => {
                self.push(match field {
                    NumberField::Boot => "k.boot",
                    NumberField::Pending => "coalesce((k.status->>'pend')::numeric, 0)",
                    NumberField::Catalog => "coalesce((k.status->>'cat')::numeric, 0)",
                });
                self.push(operator(*compare)).bind(*value).push("::bigint");
            }
            Filter::Version(compare, value) => {
                self.push("version_key(k.version)").push(operator(*compare));
                self.push("version_key(").bind(value.clone()).push("::text)");
            }
            Filter::Tag(tag) => {
                self.push("k.tags @> ARRAY[").bind(tag.clone()).push("::text]");
            }
            Filter::Fault(fault) => {
                self.push("coalesce(k.status->'faults' ? ").bind(fault.clone()).push("::text, false)");
            }
            Filter::Faulty(faulty) => {
                self.push("jsonb_path_exists(k.status, '$.faults[0]') = ").bind(*faulty);
            }
            Filter::Certificate(compare, seconds) => {
                self.push("(SELECT max(c.expires_at) FROM certificate c WHERE c.kiosk = k.id AND c.revoked_at IS NULL)");
                self.push(" - now()").push(operator(*compare));
                self.push("make_interval(secs => ").bind(seconds.to_string()).push("::text::float8)");
            }
            Filter::Online(online) => {
                self.push(PRESENCE).push(if *online { " = 'online'" } else { " <> 'online'" });
            }
            Filter::Drift(drift) => {
                self.push(crate::registry::drift!()).push(" = ").bind(*drift);
            }
            Filter::Seen(compare, seconds) => {
                // Bound as text: a double would have to be made of a whole number.
                self.push("coalesce(now() - k.last_seen, interval '1000 years')").push(operator(*compare));
                self.push("make_interval(secs => ").bind(seconds.to_string()).push("::text::float8)");
            }
        }
    }

    fn join(&mut self, parts: &[Filter], between: &'static str, none: &'static str) {
        if parts.is_empty() {
            self.push(none);
            return;
        }
        self.push("(");
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                self.push(between);
            }
            self.filter(part);
        }
        self.push(")");
    }

    fn text_test(&mut self, field: TextField, test: TextTest, value: &str) {
        let column = match field {
            TextField::Id => "k.id",
            TextField::Name => "k.name",
            TextField::Site => "k.site",
            TextField::State => PRESENCE,
            TextField::Selling => "coalesce(k.status->>'sell', '')",
        };
        match test {
            TextTest::Is => self.push(column).push(" = ").bind(value.to_owned()).push("::text"),
            TextTest::IsNot => self.push(column).push(" <> ").bind(value.to_owned()).push("::text"),
            TextTest::Contains => self
                .push("strpos(lower(")
                .push(column)
                .push("), lower(")
                .bind(value.to_owned())
                .push("::text)) > 0"),
        };
    }
}

/// How a kiosk is, in one word.
pub(crate) const PRESENCE: &str = "presence(k.state, k.is_on, k.last_seen, k.went_off)";

fn operator(compare: Compare) -> &'static str {
    match compare {
        Compare::Equal => " = ",
        Compare::Unequal => " <> ",
        Compare::Less => " < ",
        Compare::AtMost => " <= ",
        Compare::Greater => " > ",
        Compare::AtLeast => " >= ",
    }
}
