//! Line chart in text, of braille dots or ASCII characters.

/// Drawing options.
#[derive(Debug, Clone, Copy)]
pub struct ChartStyle {
    /// Width (characters).
    pub width: usize,
    /// Plain ASCII instead of braille dots and box lines.
    pub ascii: bool,
}

/// Rows of the plot: one more than a multiple of four, so that each quarter has a row of its own; with axis and title
/// it fits a terminal of 24 lines.
const ROWS: usize = 17;
/// Least width of a chart.
const MIN_WIDTH: usize = 32;
/// Least distance of two labels of the time axis (characters).
const LABEL_EVERY: usize = 10;

/// Scales of the axes.
#[derive(Debug, Clone, Copy)]
pub struct Axes {
    /// Right end of the time axis (s).
    pub seconds: f64,
    /// Value of a height of 1.
    pub top: f64,
}

impl ChartStyle {
    /// Draws `height` over the share of the time axis, both in `[0, 1]`. A jump becomes a vertical line.
    pub fn draw(self, axes: Axes, height: impl Fn(f64) -> f64) -> String {
        let labels: Vec<String> = (0..ROWS).map(|row| y_label(row, axes.top)).collect();
        let label_width = labels.iter().map(String::len).max().unwrap_or_default();
        let columns = self.width.max(MIN_WIDTH) - label_width - 2;
        let canvas = self.plot(columns, height);

        let (tick, line) = if self.ascii { ('+', '|') } else { ('┤', '│') };
        let mut text = String::new();
        for (row, label) in labels.iter().enumerate() {
            let edge = if label.is_empty() { line } else { tick };
            let cells: String = (0..columns).map(|column| canvas.cell(column, row)).collect();
            text.push_str(format!("{label:>label_width$} {edge}{cells}").trim_end());
            text.push('\n');
        }
        text.push_str(&self.time_axis(axes.seconds, label_width, columns));
        text
    }

    fn plot(self, columns: usize, height: impl Fn(f64) -> f64) -> Canvas {
        let mut canvas = Canvas::new(columns, self.ascii);
        let (last_x, last_y) = (canvas.width() - 1, canvas.height() - 1);
        let dot = |x: usize| {
            let height = height(x as f64 / last_x as f64).clamp(0.0, 1.0);
            ((1.0 - height) * last_y as f64).round() as usize
        };
        let mut before = dot(0);
        for x in 0..=last_x {
            let here = dot(x);
            for y in before.min(here)..=before.max(here) {
                canvas.mark(x, y);
            }
            before = here;
        }
        canvas
    }

    fn time_axis(self, seconds: f64, label_width: usize, columns: usize) -> String {
        let (corner, line, tick) = if self.ascii { ('+', '-', '+') } else { ('└', '─', '┬') };
        let step = round_step(seconds, (columns / LABEL_EVERY).max(1));
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let mut axis = vec![line; columns];
        let mut labels = String::new();
        let mut count = 0;
        while f64::from(count) * step <= seconds * (1.0 + 1e-9) {
            let at = f64::from(count) * step;
            let column = (at / seconds * (columns - 1) as f64).round() as usize;
            axis[column] = tick;
            let label = format!("{at:.decimals$}");
            // The last label ends with the axis.
            let start = column.min(columns.saturating_sub(label.len()));
            if start >= labels.len() {
                labels.push_str(&" ".repeat(start - labels.len()));
                labels.push_str(&label);
            }
            count += 1;
        }
        let indent = " ".repeat(label_width + 1);
        format!("{indent}{corner}{}\n{indent} {labels}\n", axis.into_iter().collect::<String>())
    }
}

/// Label of a row: the quarters have one, the rows between them none.
fn y_label(row: usize, top: f64) -> String {
    let quarter = (ROWS - 1) / 4;
    if !row.is_multiple_of(quarter) {
        return String::new();
    }
    let value = top * (1.0 - row as f64 / (ROWS - 1) as f64);
    if top >= 10.0 { format!("{value:.1}") } else { format!("{value:.2}") }
}

/// Smallest step of 1, 2 or 5 times a power of ten that gives at most `count` steps.
fn round_step(span: f64, count: usize) -> f64 {
    let least = span / count as f64;
    let power = 10.0_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|step| *step >= least).unwrap_or(least)
}

/// Bitmap of dots: eight per braille character, one per ASCII character.
struct Canvas {
    columns: usize,
    ascii: bool,
    /// One byte per character, one bit per dot.
    cells: Vec<u8>,
}

/// Bit of each dot of a braille character, by row and column.
const BRAILLE: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
/// Code point of the braille character without dots; a bit adds a dot.
const BRAILLE_BLANK: u32 = 0x2800;

impl Canvas {
    fn new(columns: usize, ascii: bool) -> Canvas {
        Canvas { columns, ascii, cells: vec![0; columns * ROWS] }
    }

    /// Number of dots of a character, across and down.
    fn dots(&self) -> (usize, usize) {
        if self.ascii { (1, 1) } else { (2, 4) }
    }

    fn width(&self) -> usize {
        self.columns * self.dots().0
    }

    fn height(&self) -> usize {
        ROWS * self.dots().1
    }

    fn mark(&mut self, x: usize, y: usize) {
        let (across, down) = self.dots();
        self.cells[y / down * self.columns + x / across] |= BRAILLE[y % down][x % across];
    }

    fn cell(&self, column: usize, row: usize) -> char {
        match self.cells[row * self.columns + column] {
            0 => ' ',
            _ if self.ascii => '*',
            bits => char::from_u32(BRAILLE_BLANK + u32::from(bits)).unwrap_or(' '),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_paper() {
        for ascii in [true, false] {
            for width in [0, 32, 33, 80, 81, 200] {
                for (seconds, top) in [(0.05, 1.0), (5.0, 155.0), (7.3, 9.9), (86_400.0, 1_000.0)] {
                    let text = ChartStyle { width, ascii }.draw(Axes { seconds, top }, |x| x);
                    let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
                    assert!(widest <= width.max(MIN_WIDTH), "{widest} of {width}:\n{text}");
                    assert_eq!(text.lines().count(), ROWS + 2);
                    assert!(!ascii || text.is_ascii());
                }
            }
        }
    }

    #[test]
    fn a_rising_line_goes_from_corner_to_corner() {
        let text = ChartStyle { width: 40, ascii: true }.draw(Axes { seconds: 1.0, top: 1.0 }, |x| x);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("1.00 +") && lines[0].ends_with("*"), "{text}");
        assert!(lines[ROWS - 1].starts_with("0.00 +*"), "{text}");
    }

    #[test]
    fn steps_of_the_time_axis_are_round() {
        for (span, count, step) in
            [(5.0, 7, 1.0), (5.0, 2, 5.0), (0.05, 5, 0.01), (3.0, 7, 0.5), (86_400.0, 7, 20_000.0)]
        {
            assert!((round_step(span, count) - step).abs() < 1e-9 * step, "{span} in {count}");
        }
    }
}
