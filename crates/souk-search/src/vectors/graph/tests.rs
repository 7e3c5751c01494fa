use super::*;

fn codes(n: usize) -> Codes {
    let mut codes = Codes::new(8);
    for number in 0..n {
        let vector =
            (0..8).map(|at| ((number * 7_919 + at * 104_729) % 2_003) as f32 / 1_001.5 - 1.0);
        let vector: Vec<f32> = vector.collect();
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        codes.push(&vector.iter().map(|x| x / length).collect::<Vec<f32>>());
    }
    codes
}

fn graph(codes: &Codes) -> Graph {
    let mut graph = Graph::default();
    (0..codes.len()).for_each(|_| graph.link(codes, &mut Scratch::default()));
    graph
}

/// Every row is reached from the entry, and no row has too many links or one to itself.
#[test]
fn all_rows_hang_together() {
    let codes = codes(2_000);
    let graph = graph(&codes);
    assert!(!graph.upper.is_empty());
    let mut reached = vec![false; graph.len()];
    let mut open = vec![graph.entry.unwrap()];
    while let Some(row) = open.pop() {
        if std::mem::replace(&mut reached[row as usize], true) {
            continue;
        }
        let links = graph.links(0, row);
        assert!(links.len() <= LINKS_LOWEST && !links.contains(&row));
        open.extend(links);
    }
    // Twins are found with the row that they hang on.
    let n_twins: usize = graph.twins.values().map(Vec::len).sum();
    let n_reached = n_twins + reached.iter().filter(|is_reached| **is_reached).count();
    assert!(n_reached as f64 > 0.999 * reached.len() as f64, "{n_reached}");
    for layer in &graph.upper {
        assert!(layer.values().all(|links| links.len() <= LINKS));
    }
}

/// As the paper has it, a sixteenth of each layer is on the next.
#[test]
fn a_sixteenth_is_on_the_next_layer() {
    let n_from = |layer: usize| (0..160_000).filter(|row| layer_of(*row) >= layer).count();
    assert!((9_700..10_300).contains(&n_from(1)), "{}", n_from(1));
    assert!((550..700).contains(&n_from(2)), "{}", n_from(2));
}

#[test]
fn of_neighbours_those_in_other_directions_are_kept_first() {
    let mut codes = Codes::new(2);
    let at = |degrees: f32| [degrees.to_radians().cos(), degrees.to_radians().sin()];
    [0.0, 10.0, 11.0, 12.0, -20.0].iter().for_each(|angle| codes.push(&at(*angle)));
    let mut likenesses = Vec::new();
    codes.likenesses_to(0, &[1, 2, 3, 4], &mut likenesses);
    let near: Vec<Near> =
        (1..).zip(likenesses).map(|(row, likeness)| Near { likeness, row }).collect();
    assert_eq!(select(&codes, &near, 2), [1, 4]);
    assert_eq!(select(&codes, &near, 3), [1, 4, 2]);
}

#[test]
fn links_that_lead_nowhere_are_not_read() {
    let codes = codes(200);
    let graph = graph(&codes);
    let bytes = |graph: &Graph| {
        let mut w = Writer::new();
        graph.write(&mut w);
        w.into_bytes()
    };
    let read = |graph: &Graph, n_rows| Graph::read(&mut Reader::new(&bytes(graph)), n_rows);
    assert_eq!(bytes(&read(&graph, 200).unwrap()), bytes(&graph));
    assert_eq!(read(&graph, 199).err(), Some(SnapshotError::Damaged));
    let mut wrong = graph.clone();
    wrong.lowest[3] = 200;
    assert_eq!(read(&wrong, 300).err(), Some(SnapshotError::Damaged));
    let mut wrong = graph.clone();
    wrong.entry = Some(200);
    assert_eq!(read(&wrong, 300).err(), Some(SnapshotError::Damaged));
    let mut wrong = graph.clone();
    wrong.upper[0].insert(3, vec![200]);
    assert_eq!(read(&wrong, 300).err(), Some(SnapshotError::Damaged));
    assert_eq!(read(&Graph::default(), 0).unwrap().len(), 0);
}
