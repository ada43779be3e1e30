//! The printer: a syntax tree as P4 again.
//!
//! What is printed parses to the same tree, spans apart ([`structure`](crate::ast::structure)).
//! Comments, layout and parentheses that mean nothing are not in the tree and do not come back.

mod declaration;
mod expression;
mod statement;

use crate::ast::{Annotation, AnnotationBody, Expr, Name, Program, Type};

/// A program as P4.
#[must_use]
pub fn print(program: &Program) -> String {
    let mut printer = Printer::default();
    for declaration in &program.declarations {
        printer.declaration(declaration);
        printer.line_end();
    }
    printer.text
}

/// An expression as P4, on one line.
#[must_use]
pub fn print_expr(expr: &Expr) -> String {
    let mut printer = Printer::default();
    printer.expr(expr);
    printer.text
}

/// A type as P4, on one line.
#[must_use]
pub fn print_type(ty: &Type) -> String {
    let mut printer = Printer::default();
    printer.ty(ty);
    printer.text
}

/// The text so far.
#[derive(Default)]
struct Printer {
    text: String,
    indent: usize,
}

impl Printer {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn name(&mut self, name: &Name) {
        self.put(&name.text);
    }

    /// Ends a line and indents the next one.
    fn line_end(&mut self) {
        self.text.push('\n');
        for _ in 0..self.indent {
            self.text.push_str("    ");
        }
    }

    /// `{`, one line for each item, `}`.
    fn braced<T>(&mut self, items: &[T], mut print: impl FnMut(&mut Self, &T)) {
        self.put("{");
        self.indent += 1;
        for item in items {
            self.line_end();
            print(self, item);
        }
        self.indent -= 1;
        self.line_end();
        self.put("}");
    }

    /// Items with commas between them.
    fn list<T>(&mut self, items: &[T], mut print: impl FnMut(&mut Self, &T)) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.put(", ");
            }
            print(self, item);
        }
    }

    /// `<A, B>`, or nothing for no names.
    fn type_params(&mut self, names: &[Name]) {
        if !names.is_empty() {
            self.put("<");
            self.list(names, Self::name);
            self.put(">");
        }
    }

    /// Annotations, each with what separates it from the next word.
    fn annotations(&mut self, annotations: &[Annotation]) {
        for annotation in annotations {
            self.annotation(annotation);
            match annotation.body {
                AnnotationBody::Pragma(_) => self.line_end(),
                AnnotationBody::Empty
                | AnnotationBody::Unstructured(_)
                | AnnotationBody::Expressions(_)
                | AnnotationBody::Fields(_) => self.put(" "),
            }
        }
    }

    /// Annotations behind something.
    fn trailing_annotations(&mut self, annotations: &[Annotation]) {
        for annotation in annotations {
            self.put(" ");
            self.annotation(annotation);
            if matches!(annotation.body, AnnotationBody::Pragma(_)) {
                self.line_end();
            }
        }
    }

    fn annotation(&mut self, annotation: &Annotation) {
        if let AnnotationBody::Pragma(text) = &annotation.body {
            self.put("@pragma ");
            self.name(&annotation.name);
            self.put(" ");
            return self.put(text);
        }
        self.put("@");
        self.name(&annotation.name);
        match &annotation.body {
            AnnotationBody::Empty | AnnotationBody::Pragma(_) => {}
            AnnotationBody::Unstructured(text) => {
                self.put("(");
                self.put(text);
                self.put(")");
            }
            AnnotationBody::Expressions(list) => {
                self.put("[");
                self.list(list, Self::expr);
                self.put("]");
            }
            AnnotationBody::Fields(fields) => {
                self.put("[");
                self.list(fields, Self::named_expr);
                self.put("]");
            }
        }
    }
}
