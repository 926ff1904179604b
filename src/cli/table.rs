//! Aligned columns for text reports.

use clap::builder::styling::Style;

use super::text::{DIM, clean, paint};

/// One cell: what it says and how it looks.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    style: Style,
    right: bool,
}

impl Cell {
    /// A plain text, aligned to the left and made safe to print.
    pub fn text(text: &str) -> Self {
        Self {
            text: clean(text).into_owned(),
            style: Style::new(),
            right: false,
        }
    }

    /// A number, aligned to the right; a zero is dimmed.
    pub fn number(number: u64) -> Self {
        Self {
            text: super::text::thousands(number),
            style: if number == 0 { DIM } else { Style::new() },
            right: true,
        }
    }

    /// The same cell in another style.
    #[must_use]
    pub fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// A table under its headings, two blanks between columns, no blanks at the ends of lines.
///
/// A heading stands as its column's first row does. Rows must be as long as `headings`.
pub fn render(headings: &[&str], rows: &[Vec<Cell>]) -> String {
    let head: Vec<Cell> = headings
        .iter()
        .enumerate()
        .map(|(column, heading)| Cell {
            right: rows
                .first()
                .and_then(|row| row.get(column))
                .is_some_and(|cell| cell.right),
            ..Cell::text(heading).style(DIM)
        })
        .collect();
    let widths: Vec<usize> = (0..headings.len())
        .map(|column| {
            std::iter::once(&head)
                .chain(rows)
                .filter_map(|row| row.get(column).map(Cell::width))
                .max()
                .unwrap_or_default()
        })
        .collect();
    let mut out = String::new();
    for row in std::iter::once(&head).chain(rows) {
        let last = row.len().saturating_sub(1);
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths.get(column).map_or(0, |width| width - cell.width()));
            let shown = paint(cell.style, &cell.text);
            let gap = if column == 0 { "" } else { "  " };
            out.push_str(gap);
            match (cell.right, column == last) {
                (true, _) => out.push_str(&(pad + &shown)),
                (false, true) => out.push_str(&shown),
                (false, false) => out.push_str(&(shown + &pad)),
            }
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_lines_end_without_blanks() {
        let rows = [
            vec![Cell::text("a"), Cell::number(5), Cell::text("x")],
            vec![Cell::text("long\nname"), Cell::number(1200), Cell::text("")],
        ];
        let plain =
            anstream::adapter::strip_str(&render(&["name", "read", "why"], &rows)).to_string();
        let expected = "\
name         read  why
a               5  x
long\\nname  1,200  \n";
        assert_eq!(plain, expected);
    }
}
