//! Names of the program as names of Rust: readable, and no two alike in one scope.

use std::collections::HashSet;

use proc_macro2::{Ident, Span};
use quote::format_ident;

/// The names that are taken in one scope.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// A scope in which these names have a meaning already.
    pub(crate) fn new(reserved: &[&str]) -> Self {
        Self {
            taken: reserved.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// A name of a variable, function, field or module.
    pub(crate) fn snake(&mut self, text: &str) -> Ident {
        self.claim(&snake(text))
    }

    /// A name of a type or variant.
    pub(crate) fn camel(&mut self, text: &str) -> Ident {
        self.claim(&camel(text))
    }

    /// Names for things that have dotted names: the shortest end of each that no other has.
    pub(crate) fn of_dotted<'n>(&mut self, names: impl Iterator<Item = &'n str>) -> Vec<Ident> {
        let all: Vec<Vec<&str>> = names.map(|name| name.split('.').collect()).collect();
        let end = |parts: &[&str], n: usize| parts[parts.len().saturating_sub(n)..].join("_");
        let name = |parts: &Vec<&str>| {
            let is_alone = |n: usize| {
                let own = snake(&end(parts, n));
                let same = all.iter().filter(|other| snake(&end(other, n)) == own);
                same.count() == 1
            };
            let n = (1..parts.len()).find(|n| is_alone(*n));
            end(parts, n.unwrap_or(parts.len()))
        };
        let texts: Vec<String> = all.iter().map(name).collect();
        texts.iter().map(|text| self.snake(text)).collect()
    }

    fn claim(&mut self, wanted: &str) -> Ident {
        let mut name = wanted.to_owned();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        if syn::parse_str::<Ident>(&name).is_ok() {
            Ident::new(&name, Span::call_site())
        } else {
            format_ident!("{name}_")
        }
    }
}

/// Words in lower case with `_` between them.
pub(crate) fn snake(text: &str) -> String {
    let mut name = String::new();
    let mut was_lower = false;
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            if character.is_ascii_uppercase() && was_lower {
                name.push('_');
            }
            was_lower = character.is_ascii_lowercase() || character.is_ascii_digit();
            name.push(character.to_ascii_lowercase());
        } else {
            if !name.is_empty() && !name.ends_with('_') {
                name.push('_');
            }
            was_lower = false;
        }
    }
    let name = name.trim_end_matches('_');
    match name.chars().next() {
        None => "unnamed".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("n{name}"),
        Some(_) => name.to_owned(),
    }
}

/// Words that begin with a capital.
pub(crate) fn camel(text: &str) -> String {
    let words = snake(text);
    let words = words.split('_').filter(|word| !word.is_empty());
    let capitals = words.map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    });
    capitals.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        for (text, as_snake, as_camel) in [
            ("hdr.labels[0]", "hdr_labels_0", "HdrLabels0"),
            (
                "MyIngress.$index11",
                "my_ingress_index11",
                "MyIngressIndex11",
            ),
            ("ipv4_t", "ipv4_t", "Ipv4T"),
            ("8021q", "n8021q", "N8021q"),
            ("$", "unnamed", "Unnamed"),
            ("RXPath", "rxpath", "Rxpath"),
        ] {
            assert_eq!(snake(text), as_snake);
            assert_eq!(camel(text), as_camel);
        }
    }

    #[test]
    fn equal_names_are_numbered_and_words_of_rust_are_not_names() {
        let mut names = Names::new(&["port"]);
        assert_eq!(names.snake("port").to_string(), "port_2");
        assert_eq!(names.snake("type").to_string(), "type_");
        assert_eq!(names.camel("self").to_string(), "Self_");
    }

    #[test]
    fn dotted_names_are_as_short_as_they_can_be() {
        let mut names = Names::default();
        let found = names.of_dotted(["A.forward", "A.set", "B.set"].into_iter());
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["forward", "a_set", "b_set"]);
    }
}
