//! The tree of eight leaves that the reference implementations of RFC 6962 share: leaves, roots and
//! proofs as in `proof/verify_test.go` of transparency-dev/merkle (Apache-2.0), which has them from
//! Google's certificate-transparency. Values only, no code; places here count from 0.

use super::super::*;

const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// Place of the leaf, size of the tree, proof.
const INCLUSION: [(u64, u64, &[&str]); 5] = [
    (0, 1, &[]),
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

/// Size before, size after, proof.
const CONSISTENCY: [(u64, u64, &[&str]); 5] = [
    (1, 1, &[]),
    (
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
    (
        6,
        7,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
];

fn hash(text: &str) -> TreeHash {
    TreeHash::parse(text).unwrap()
}

fn leaves() -> Vec<Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    LEAVES.iter().map(|leaf| leaf.as_bytes().chunks(2).map(byte).collect()).collect()
}

#[test]
fn hashes_of_nothing_and_of_an_empty_leaf() {
    let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(TreeHash::of_nothing(), hash(nothing));
    assert_eq!(CompactRange::default().root(), hash(nothing));
    assert_eq!(TreeHash::of_leaf(b""), hash(ROOTS[0]));
}

#[test]
fn roots_of_the_reference_tree() {
    let mut range = CompactRange::default();
    for (leaf, root) in leaves().iter().zip(ROOTS) {
        range.push(TreeHash::of_leaf(leaf));
        assert_eq!(range.root(), hash(root));
    }
}

#[test]
fn inclusion_proofs_of_the_reference_tree() {
    let leaves = leaves();
    for (index, size, proof) in INCLUSION {
        let proof: Vec<TreeHash> = proof.iter().map(|step| hash(step)).collect();
        let ranges = inclusion_ranges(index, size).unwrap();
        assert_eq!(super::hashes(&ranges, &leaves), proof, "{index} of {size}");
        let leaf = TreeHash::of_leaf(&leaves[index as usize]);
        let root = hash(ROOTS[size as usize - 1]);
        assert_eq!(check_inclusion((leaf, index), (root, size), &proof), Ok(()));
        // What the reference calls corrupted: other places, sizes, roots, and more or fewer steps.
        let refuse = |at: u64, size: u64, root: TreeHash, proof: &[TreeHash]| {
            assert!(check_inclusion((leaf, at), (root, size), proof).is_err());
        };
        refuse(index + 1, size, root, &proof);
        refuse(index ^ 2, size, root, &proof);
        refuse(index, size * 2, root, &proof);
        refuse(index, size / 2, root, &proof);
        refuse(index, size, TreeHash::of_nothing(), &proof);
        refuse(index, size, root, &[&proof[..], &[root]].concat());
        refuse(index, size, root, &[&[root], &proof[..]].concat());
        if !proof.is_empty() {
            refuse(index, size, root, &proof[..proof.len() - 1]);
        }
    }
}

#[test]
fn consistency_proofs_of_the_reference_tree() {
    for (from, to, proof) in CONSISTENCY {
        let proof: Vec<TreeHash> = proof.iter().map(|step| hash(step)).collect();
        let ranges = consistency_ranges(from, to).unwrap();
        assert_eq!(super::hashes(&ranges, &leaves()), proof, "{from} to {to}");
        let (before, after) = (hash(ROOTS[from as usize - 1]), hash(ROOTS[to as usize - 1]));
        assert_eq!(check_consistency((before, from), (after, to), &proof), Ok(()));
        if from == to {
            continue;
        }
        let refuse = |from: u64, to: u64, (old, new): (TreeHash, TreeHash), proof: &[TreeHash]| {
            assert!(check_consistency((old, from), (new, to), proof).is_err(), "{from} {to}");
        };
        let roots = (before, after);
        refuse(from + 1, to, roots, &proof);
        refuse(from ^ 2, to, roots, &proof);
        refuse(from, to * 2, roots, &proof);
        refuse(from, to / 2, roots, &proof);
        refuse(from, to, (after, before), &proof);
        refuse(from, to, (TreeHash::of_nothing(), after), &proof);
        refuse(from, to, roots, &[]);
        refuse(from, to, roots, &proof[..proof.len() - 1]);
        refuse(from, to, roots, &[&proof[..], &[before]].concat());
        refuse(from, to, roots, &[&[proof[0]], &proof[..]].concat());
    }
}
