//! Holds the tables of docs/SETTINGS.md against the rows. `YEP_UPDATE_DOCS=1` writes the tables anew.

use std::{env, fs};

use super::{Document, MotionPart, SettingField};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/SETTINGS.md");

/// The lines of a table, without its header.
fn table(rows: &[SettingField]) -> Vec<String> {
    let code = |key: &str| format!("`{key}`");
    let line = |row: &SettingField| {
        let (name, unit, allowed) = (code(row.name), row.unit, row.allowed);
        let (default, key) = (code(&(row.default)().to_string()), row.stored_as.map_or(String::new(), code));
        format!("| {name} | {unit} | {allowed} | {default} | {key} | {} |", row.doc)
    };
    rows.iter().map(line).collect()
}

/// The page with the lines of these tables in the place of its own.
pub fn with_tables<const TABLES: usize>(page: &str, tables: [Vec<String>; TABLES]) -> String {
    let is_row = |line: &str| line.starts_with("| `");
    let mut tables = tables.into_iter();
    let mut text = String::new();
    let mut inside = false;
    for line in page.lines() {
        if is_row(line) && !inside {
            for row in tables.next().unwrap_or_default() {
                text += &(row + "\n");
            }
        }
        inside = is_row(line);
        if !inside {
            text += &format!("{line}\n");
        }
    }
    assert_eq!(tables.next(), None, "a table is not in the page");
    text
}

#[test]
fn the_page_has_every_setting() {
    let page = fs::read_to_string(PAGE).unwrap();
    let expected = with_tables(&page, [table(Document::FIELDS), table(MotionPart::FIELDS)]);
    if env::var_os("YEP_UPDATE_DOCS").is_some() {
        fs::write(PAGE, &expected).unwrap();
        return;
    }
    assert_eq!(page, expected, "YEP_UPDATE_DOCS=1 cargo test --lib settings writes docs/SETTINGS.md anew");
}
