//! Compiling the texts of a pipeline, and collecting what is wrong with them at their places in the file.

use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;
use crate::soql;
use crate::spec::document::Document;
use crate::spec::pipeline::Pipeline;
use crate::spec::text::{FieldValue, TemplateText};
use crate::template::Template;

use super::expression::Expression;
use super::infer::{self, Finding, Selection};
use super::scope::Names;

/// A pipeline's texts and the findings so far.
#[derive(Debug)]
pub(super) struct Texts<'a> {
    document: &'a Document<Pipeline>,
    findings: Vec<Diagnostic>,
}

impl<'a> Texts<'a> {
    /// No findings yet.
    pub(super) fn new(document: &'a Document<Pipeline>) -> Self {
        Self {
            document,
            findings: Vec::new(),
        }
    }

    /// The file.
    pub(super) fn document(&self) -> &'a Document<Pipeline> {
        self.document
    }

    /// The findings, in the order of the file.
    pub(super) fn into_findings(mut self) -> Vec<Diagnostic> {
        self.findings
            .sort_by_key(|finding| finding.place.as_ref().map(|place| place.span.start));
        self.findings
    }

    /// Adds a finding that has its place.
    pub(super) fn push(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    /// Adds findings that know their template.
    pub(super) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            // An empty span is about the key itself, not about a template.
            let place = if finding.span.is_empty() {
                self.document.key_place(&finding.pointer)
            } else {
                self.document.text_place(&finding.pointer, finding.span)
            };
            self.findings.push(finding.diagnostic.at(place));
        }
    }

    /// A template over the record, whose names become columns.
    pub(super) fn selecting_text(
        &mut self,
        pointer: &str,
        text: &TemplateText,
        selection: &mut Selection,
    ) -> Option<Template> {
        let template = self.template(pointer, text)?;
        let findings = selection.add(pointer, &template);
        self.extend(findings);
        Some(template)
    }

    /// A template or constant over the record, whose names become columns.
    pub(super) fn selecting(
        &mut self,
        pointer: &str,
        value: &FieldValue,
        selection: &mut Selection,
    ) -> Option<Expression> {
        match value {
            FieldValue::Template(text) => self
                .selecting_text(pointer, text, selection)
                .map(Expression::Template),
            other => other.constant().map(Expression::Constant),
        }
    }

    /// A template over the mapped profile, which must use known names only.
    pub(super) fn mapped(
        &mut self,
        pointer: &str,
        text: &TemplateText,
        names: &Names,
    ) -> Option<Template> {
        let template = self.template(pointer, text)?;
        let findings = infer::check_mapped(pointer, &template, &names.known());
        self.extend(findings);
        Some(template)
    }

    /// A template or constant over the mapped profile.
    pub(super) fn mapped_value(
        &mut self,
        pointer: &str,
        value: &FieldValue,
        names: &Names,
    ) -> Option<Expression> {
        match value {
            FieldValue::Template(text) => {
                self.mapped(pointer, text, names).map(Expression::Template)
            }
            other => other.constant().map(Expression::Constant),
        }
    }

    /// A SOQL condition: it must parse, and it is kept as it was written.
    pub(super) fn condition(&mut self, pointer: &str, text: Option<&str>) {
        let Some(Err(error)) = text.map(soql::parse::condition) else {
            return;
        };
        let mut finding = Diagnostic::error(Code::SoqlSyntax, error.message)
            .at(self.document.text_place(pointer, error.span));
        finding.help = error.help;
        self.findings.push(finding);
    }

    /// An ORDER BY of child rows: the keys alone, with nothing of a query behind them.
    pub(super) fn order(&mut self, pointer: &str, text: Option<&str>) {
        let Some(text) = text else { return };
        let head = "SELECT Id FROM Rows ORDER BY ";
        let (message, span, help) = match soql::parse::query(&format!("{head}{text}")) {
            Ok(query)
                if query.limit.is_none() && query.offset.is_none() && query.effects.is_empty() =>
            {
                return;
            }
            Ok(_) => (
                "an order holds more than the fields to order by".to_owned(),
                0..text.len(),
                Some("write the fields alone; the number of rows is set by `limit`".to_owned()),
            ),
            Err(error) => {
                let inside = |at: usize| at.saturating_sub(head.len()).min(text.len());
                (
                    error.message,
                    inside(error.span.start)..inside(error.span.end),
                    error.help,
                )
            }
        };
        let mut finding = Diagnostic::error(Code::SoqlSyntax, message)
            .at(self.document.text_place(pointer, span));
        finding.help = help;
        self.findings.push(finding);
    }

    fn template(&mut self, pointer: &str, text: &TemplateText) -> Option<Template> {
        match Template::compile(text.as_str()) {
            Ok(template) => Some(template),
            Err(error) => {
                let mut finding = Diagnostic::error(error.code, error.message)
                    .at(self.document.text_place(pointer, error.span));
                finding.help = error.help;
                self.findings.push(finding);
                None
            }
        }
    }
}
