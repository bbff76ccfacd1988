//! Addresses as QR codes: a picture for a page, and blocks of text for a console.

use fast_qr::QRBuilder;

/// Free modules around the code, which readers need.
const QUIET: usize = 4;

/// The dark modules of the code of a text, row by row, with the quiet zone. Empty for a text that is too long.
fn modules(text: &str) -> Vec<Vec<bool>> {
    let Ok(code) = QRBuilder::new(text).build() else { return Vec::new() };
    let size = code.size + 2 * QUIET;
    let is_dark = |row: usize, column: usize| {
        let inside = |index: usize| (QUIET..QUIET + code.size).contains(&index);
        inside(row) && inside(column) && code[row - QUIET][column - QUIET].value()
    };
    (0..size).map(|row| (0..size).map(|column| is_dark(row, column)).collect()).collect()
}

/// The code of a text as SVG, without a size of its own.
#[must_use]
pub fn svg(text: &str) -> String {
    let rows = modules(text);
    let size = rows.len();
    let mut path = String::new();
    for (y, row) in rows.iter().enumerate() {
        for (x, _) in row.iter().enumerate().filter(|(_, is_dark)| **is_dark) {
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
         <rect width=\"{size}\" height=\"{size}\" fill=\"#fff\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    )
}

/// The code of a text as lines of half blocks: light modules are printed, for a dark console.
#[must_use]
pub fn lines(text: &str) -> String {
    let rows = modules(text);
    let mut said = String::new();
    for pair in rows.chunks(2) {
        for (column, upper) in pair[0].iter().enumerate() {
            let lower = pair.get(1).is_none_or(|row| row[column]);
            said.push(match (upper, lower) {
                (false, false) => '█',
                (false, true) => '▀',
                (true, false) => '▄',
                (true, true) => ' ',
            });
        }
        said.push('\n');
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners_and_a_quiet_zone() {
        let rows = modules("http://yep.local/#pair=482913");
        let size = rows.len();
        assert!(size >= 21 + 2 * QUIET && rows.iter().all(|row| row.len() == size));
        let corner =
            |row: usize, column: usize| (0..7).all(|i| rows[row][column + i] && rows[row + i][column]);
        let last = size - QUIET - 7;
        assert!(corner(QUIET, QUIET) && corner(QUIET, last) && corner(last, QUIET));
        assert!(rows[..QUIET].iter().flatten().all(|is_dark| !is_dark));
        assert!(svg("x").starts_with("<svg") && svg("x").contains("h1v1h-1z"));
        let lines = lines("x");
        assert_eq!(lines.lines().count(), modules("x").len().div_ceil(2));
    }
}
