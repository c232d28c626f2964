//! Things by number.

/// Things that keep their number as long as they are there.
pub struct Slab<T> {
    all: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { all: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// The number that the next one gets.
    pub fn next(&self) -> u32 {
        self.free.last().copied().unwrap_or(self.all.len() as u32)
    }

    /// Takes a thing in; gives its number.
    pub fn add(&mut self, thing: T) -> u32 {
        match self.free.pop() {
            Some(number) => {
                self.all[number as usize] = Some(thing);
                number
            }
            None => {
                self.all.push(Some(thing));
                self.all.len() as u32 - 1
            }
        }
    }

    /// Takes a thing out.
    pub fn take(&mut self, number: u32) -> Option<T> {
        let thing = self.all.get_mut(number as usize)?.take()?;
        self.free.push(number);
        Some(thing)
    }

    /// The thing of that number.
    pub fn get(&self, number: u32) -> Option<&T> {
        self.all.get(number as usize)?.as_ref()
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.all.get_mut(number as usize)?.as_mut()
    }

    /// The numbers that there are, and some that are free.
    pub fn numbers(&self) -> std::ops::Range<u32> {
        0..self.all.len() as u32
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.free.len() == self.all.len()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len() - self.free.len()
    }

    /// All, with their numbers, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        let all = self.all.iter_mut().enumerate();
        all.filter_map(|(at, thing)| Some((at as u32, thing.as_mut()?)))
    }

    /// All, with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.all.iter().enumerate().filter_map(|(at, thing)| Some((at as u32, thing.as_ref()?)))
    }
}
