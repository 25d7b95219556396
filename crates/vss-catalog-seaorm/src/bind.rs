//! Lists as one value of a statement: JSON of numbers and hex digits, which `json_each` and
//! `unhex` read back. One bind takes any number of rows, where SQLite counts variables.

use std::fmt::Write;

use sea_orm::Value;

/// A JSON array that grows.
pub(crate) struct List(String);

impl List {
    pub(crate) fn new() -> Self {
        Self("[".into())
    }

    /// A list of one element for each item.
    pub(crate) fn of<T>(items: impl IntoIterator<Item = T>, write: impl Fn(&mut Self, T)) -> Value {
        let mut list = Self::new();
        for item in items {
            write(&mut list, item);
        }
        list.into_value()
    }

    pub(crate) fn into_value(mut self) -> Value {
        self.0.push(']');
        self.0.into()
    }

    fn comma(&mut self) {
        if !self.0.ends_with('[') {
            self.0.push(',');
        }
    }

    pub(crate) fn number(&mut self, number: impl Into<i64>) -> &mut Self {
        self.comma();
        // Writing to a String does not fail.
        let _ = write!(self.0, "{}", number.into());
        self
    }

    pub(crate) fn hex(&mut self, bytes: &[u8]) -> &mut Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.comma();
        self.0.push('"');
        for byte in bytes {
            for nibble in [byte >> 4, byte & 15] {
                let digit = DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
                self.0.push(char::from(digit));
            }
        }
        self.0.push('"');
        self
    }

    pub(crate) fn null(&mut self) -> &mut Self {
        self.comma();
        self.0.push_str("null");
        self
    }

    /// An array in the array.
    pub(crate) fn row(&mut self, write: impl FnOnce(&mut Self)) -> &mut Self {
        self.comma();
        self.0.push('[');
        write(self);
        self.0.push(']');
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_json() {
        let value = List::of(
            [(1_i64, b"\xff\n".as_slice()), (-2, b"")],
            |list, (n, b)| {
                list.row(|row| {
                    row.number(n).hex(b).null();
                });
            },
        );
        assert_eq!(value, Value::from(r#"[[1,"ff0a",null],[-2,"",null]]"#));
        assert_eq!(List::new().into_value(), Value::from("[]"));
    }
}
