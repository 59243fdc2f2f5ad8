//! Tables as kubectl prints them: upper-case headers, columns apart by three spaces.

use super::clean;

/// A header line and one line for each row. Cells are cleaned of control characters; the last column is not padded.
pub(crate) fn table(headers: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
    let head: Vec<String> = headers.iter().map(|header| (*header).to_owned()).collect();
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headers.len()).map(width).collect();
    let mut out = String::new();
    for row in [&head].into_iter().chain(&rows) {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}   "));
        out.push_str(padded.collect::<String>().trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_pads_all_but_the_last_column() {
        let rows =
            vec![vec!["a".to_owned(), "long cell".to_owned()], vec!["bcd".to_owned(), "x\n".to_owned()]];
        assert_eq!(table(&["ONE", "TWO"], &rows), "ONE   TWO\na     long cell\nbcd   x\\n\n");
    }
}
