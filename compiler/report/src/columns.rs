//! Rows in columns, without lines between them.

use comfy_table::{CellAlignment, Table, presets};

/// Rows in columns as wide as their widest cell; `left` are set to the left, the others to the right.
pub(crate) fn columns(
    titles: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
    left: &[usize],
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(titles.to_vec());
    table.add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if !left.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}
