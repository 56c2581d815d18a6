//! Two lines of twenty characters and a cursor.

/// Characters of a line.
pub const COLUMNS: usize = 20;
/// Lines.
pub const ROWS: usize = 2;

/// What happens at the end of the lower line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// Writing goes on at the upper left.
    Overwrite,
    /// The lower line moves up.
    Scroll,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    cells: [[char; COLUMNS]; ROWS],
    /// From 0.
    column: usize,
    row: usize,
    pub flow: Flow,
}

impl Grid {
    pub fn new() -> Self {
        Self { cells: [[' '; COLUMNS]; ROWS], column: 0, row: 0, flow: Flow::Overwrite }
    }

    pub fn clear(&mut self) {
        self.cells = [[' '; COLUMNS]; ROWS];
        self.home();
    }

    pub fn clear_line(&mut self) {
        self.cells[self.row] = [' '; COLUMNS];
        self.column = 0;
    }

    pub fn home(&mut self) {
        (self.column, self.row) = (0, 0);
    }

    /// From 1, as on the wire; positions outside are ignored.
    pub fn move_to(&mut self, x: u8, y: u8) {
        let (x, y) = (usize::from(x), usize::from(y));
        if (1..=COLUMNS).contains(&x) && (1..=ROWS).contains(&y) {
            (self.column, self.row) = (x - 1, y - 1);
        }
    }

    pub fn write(&mut self, char: char) {
        self.cells[self.row][self.column] = char;
        self.right();
    }

    /// Replaces one line from its beginning; the rest of it is blank.
    pub fn set_line(&mut self, row: usize, text: &[char]) {
        let mut line = [' '; COLUMNS];
        line.iter_mut().zip(text).for_each(|(cell, char)| *cell = *char);
        self.cells[row.min(ROWS - 1)] = line;
    }

    pub fn right(&mut self) {
        self.column += 1;
        if self.column == COLUMNS {
            self.column = 0;
            self.down();
        }
    }

    pub fn left(&mut self) {
        if self.column > 0 {
            self.column -= 1;
        } else {
            self.column = COLUMNS - 1;
            self.row = (self.row + ROWS - 1) % ROWS;
        }
    }

    pub fn down(&mut self) {
        if self.row + 1 < ROWS {
            self.row += 1;
        } else if self.flow == Flow::Scroll {
            self.cells.rotate_left(1);
            self.cells[ROWS - 1] = [' '; COLUMNS];
        } else {
            self.row = 0;
        }
    }

    pub fn up(&mut self) {
        self.row = (self.row + ROWS - 1) % ROWS;
    }

    pub fn line_start(&mut self) {
        self.column = 0;
    }

    pub fn lines(&self) -> [String; ROWS] {
        self.cells.map(|line| line.iter().collect())
    }

    /// From 1: column and row.
    pub fn cursor(&self) -> (usize, usize) {
        (self.column + 1, self.row + 1)
    }
}
