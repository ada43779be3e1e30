//! The declarations with `@noWarn`, and what they silence.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, Annotation};

use crate::rules::string_of;
use crate::walk::{self, Site, Visitor};

/// What the `@noWarn` of a program silence: each one warning, by its code or name, within a declaration.
pub struct Silenced(Vec<(Span, String)>);

impl Silenced {
    /// Those of a program.
    #[must_use]
    pub fn of(program: &ast::Program) -> Self {
        let mut silenced = Self(Vec::new());
        walk::program(&mut silenced, program);
        silenced
    }

    /// Whether a warning of this code or name is silenced at a place.
    #[must_use]
    pub fn covers(&self, span: Span, name: &str) -> bool {
        let mut silenced = self.0.iter();
        silenced.any(|(within, silenced)| {
            within.lo <= span.lo && span.hi <= within.hi && silenced == name
        })
    }

    fn add(&mut self, annotations: &[Annotation], span: Span) {
        let given = annotations.iter().filter(|a| a.name.text == "noWarn");
        for text in given.filter_map(string_of) {
            self.0.push((span, text.to_owned()));
        }
    }
}

impl<'a> Visitor<'a> for Silenced {
    fn annotated(&mut self, annotations: &'a [Annotation], span: Span) {
        self.add(annotations, span);
    }
    fn variable(&mut self, _at: Site<'a>, variable: &'a ast::Variable) {
        self.add(&variable.annotations, variable.span);
    }
    fn constant(&mut self, constant: &'a ast::Const) {
        self.add(&constant.annotations, constant.span);
    }
    fn instantiation(&mut self, _at: Site<'a>, instance: &'a ast::Instantiation) {
        self.add(&instance.annotations, instance.span);
    }
    fn action(&mut self, _at: Site<'a>, action: &'a ast::Action) {
        self.add(&action.annotations, action.span);
    }
    fn table(&mut self, _at: Site<'a>, table: &'a ast::Table) {
        self.add(&table.annotations, table.span);
        for property in &table.properties {
            self.add(&property.annotations, property.span);
        }
    }
    fn parser(&mut self, parser: &'a ast::Parser) {
        self.add(&parser.head.annotations, parser.span);
    }
    fn control(&mut self, control: &'a ast::Control) {
        self.add(&control.head.annotations, control.span);
    }
    fn state(&mut self, _at: Site<'a>, state: &'a ast::ParserState) {
        self.add(&state.annotations, state.span);
    }
    fn function(&mut self, _at: Site<'a>, function: &'a ast::Function) {
        let prototype = &function.prototype;
        self.add(
            &prototype.annotations,
            prototype.span.join(function.body.span),
        );
    }
}
