//! Trees of tables.

use p4rmt_source::Span;
use pest::iterators::Pair;

use crate::ast::{ActionRef, Annotation, Entry, KeyElement, Property, PropertyKind, Table};
use crate::grammar::Rule;
use crate::tree::Builder;

impl Builder<'_> {
    pub(super) fn table(
        &mut self,
        pair: Pair<'_, Rule>,
        annotations: Vec<Annotation>,
        span: Span,
    ) -> Table {
        let mut parts = self.parts(pair);
        let name = self.name(&parts.take());
        let mut properties = Vec::new();
        while let Some(property) = parts.next() {
            properties.push(self.property(property));
        }
        Table {
            annotations,
            name,
            properties,
            span,
        }
    }

    fn property(&mut self, pair: Pair<'_, Rule>) -> Property {
        let mut parts = self.parts(pair);
        let annotations = self.annotations(&mut parts);
        let is_const = parts.has(Rule::k_const);
        let kind = self.property_kind(parts.take());
        Property {
            annotations,
            is_const,
            kind,
            span: parts.span,
        }
    }

    fn property_kind(&mut self, pair: Pair<'_, Rule>) -> PropertyKind {
        let rule = pair.as_rule();
        let mut parts = self.parts(pair);
        match rule {
            Rule::key => {
                let mut elements = Vec::new();
                while let Some(element) = parts.next() {
                    elements.push(self.key_element(element));
                }
                PropertyKind::Key(elements)
            }
            Rule::actions => {
                let mut actions = Vec::new();
                while let Some(item) = parts.next() {
                    let action = self.parts(item).take();
                    actions.push(self.action_ref(action));
                }
                PropertyKind::Actions(actions)
            }
            Rule::entries => {
                let mut entries = Vec::new();
                while let Some(entry) = parts.next() {
                    entries.push(self.entry(entry));
                }
                PropertyKind::Entries(entries)
            }
            _ => {
                let name = self.name(&parts.take());
                let value = self.expr(parts.take());
                match name.text.as_str() {
                    "default_action" => PropertyKind::DefaultAction(value),
                    "size" => PropertyKind::Size(value),
                    _ => PropertyKind::Other { name, value },
                }
            }
        }
    }

    fn key_element(&mut self, pair: Pair<'_, Rule>) -> KeyElement {
        let mut parts = self.parts(pair);
        let expr = self.expr(parts.take());
        let match_kind = self.name(&parts.take());
        let annotations = self.annotations(&mut parts);
        KeyElement {
            expr,
            match_kind,
            annotations,
            span: parts.span,
        }
    }

    fn action_ref(&mut self, pair: Pair<'_, Rule>) -> ActionRef {
        let mut parts = self.parts(pair);
        let annotations = self.annotations(&mut parts);
        let path = self.path(parts.take());
        let args = parts.next().map(|args| self.arguments(args));
        ActionRef {
            annotations,
            path,
            args,
            span: parts.span,
        }
    }

    fn entry(&mut self, pair: Pair<'_, Rule>) -> Entry {
        let mut parts = self.parts(pair);
        let is_const = parts.has(Rule::k_const);
        let priority = parts.take_if(Rule::entry_priority).map(|priority| {
            let value = self.parts(priority).take();
            match value.as_rule() {
                Rule::integer => self.integer(&value),
                _ => self.parenthesized(value),
            }
        });
        let keyset = self.keyset(parts.take());
        let action = self.action_ref(parts.take());
        let annotations = self.annotations(&mut parts);
        Entry {
            is_const,
            priority,
            keyset,
            action,
            annotations,
            span: parts.span,
        }
    }
}
