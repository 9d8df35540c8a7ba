"""The social network and the opinion map: who met whom, where they stand, and that neither ever jumps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dashboards import charts_social as charts
from dashboards.charts_opinions import opinion_chart
from dashboards.opinions import Opinions, components, frame_of, hulls_frame, map_finding, opinion_map, points_frame
from dashboards.opinions_source import PROBES, WRITTEN, opinion_names, opinions_of
from dashboards.social import MOST_NODES, Network, Node, Tie, communities, degrees, part, stance_at, traits_of
from dashboards.social_layout import SCALE, layout, places_of
from dashboards.social_source import (
    AI_NODE,
    ASKED,
    HEARD,
    KNOWS,
    MISSED,
    MOVED,
    PERCEIVED,
    SAT,
    network_names,
    network_of,
    network_title,
)
from dashboards.sources import Reader
from sim.store import Run
from tests.dashboards.fake_assembly import make_assembly
from tests.dashboards.fake_coevolution import make_live
from tests.dashboards.fake_run import HOSTILE, make_run


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_live(tmp_path_factory.mktemp("live"), replicas=2)


@pytest.fixture(scope="module")
def town(spoken: Run) -> Network:
    return network_of(Reader(spoken), "town r1.play ai-000")


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_assembly(tmp_path_factory.mktemp("hall"))


def pairs(num: int, camps: int = 2) -> Network:
    """A ring of people in camps that know only each other, with one bridge."""
    size = num // camps
    ties = [(c * size + n, c * size + (n + k) % size) for c in range(camps) for n in range(size) for k in (1, 2)]
    ties += [(c * size, ((c + 1) % camps) * size) for c in range(camps)]
    return Network(
        key="made",
        nodes=tuple(Node(id=f"n{n:05d}", name=f"N {n}", traits={"camp": str(n // size)}) for n in range(num)),
        ties=tuple(Tie(source=f"n{a:05d}", target=f"n{b:05d}", kind=KNOWS, step=0) for a, b in ties),
        steps={0: "now"},
    )


def test_a_town_holds_whom_people_heard_and_asked(spoken: Run, town: Network) -> None:
    rows = Reader(spoken).rows("events/r1.play/messages-*.parquet", (), arm="ai")
    said = [r for r in rows if r["replica"] == 0 and r["kind"] == "statement" and r["listener"]]
    heard = [tie for tie in town.ties if tie.kind == HEARD]
    assert [(t.source, t.target, t.step) for t in heard] == [(r["speaker"], r["listener"], r["timestep"]) for r in said]
    assert {tie.target for tie in town.ties if tie.kind == ASKED} == {AI_NODE}
    assert town.hub == AI_NODE
    assert network_names(Reader(spoken))[0] == "town r1.play ai-000"
    assert len(network_names(Reader(spoken))) == 6
    assert network_title("town r1.play no_ai-000") == "town of r1.play: no AI, replica 0"
    alone = network_of(Reader(spoken), "town r1.play no_ai-000")
    assert not alone.hub
    assert AI_NODE not in {node.id for node in alone.nodes}


def star(*ties: str) -> Network:
    """A network of one-letter people, a tie a pair of letters."""
    nodes = tuple(Node(id=one, name=one.upper()) for one in dict.fromkeys("".join(ties)))
    found = tuple(Tie(source=a, target=b, kind=KNOWS, step=0) for a, b in ties)
    return Network(key="made", nodes=nodes, ties=found, steps={0: "now"})


@pytest.mark.parametrize(
    ("ties", "said"),
    [
        (("ab", "ac", "ad"), "; A is tied to most others (3)."),
        (("ab", "bc", "ca"), "; every node is tied to equally many others (2)."),
        (("ab", "bc", "cd"), "; 2 are tied to most others (2 each): B, C."),
        (("ab", "bc", "cd", "de", "ef", "fg"), "; 5 are tied to most others (2 each): B, C, D and 2 more."),
    ],
)
def test_nobody_is_singled_out_of_several_with_equally_many_ties(ties: tuple[str, ...], said: str) -> None:
    found = star(*ties)
    assert said in charts.network_finding(found, found.ties, "camp", None)


def test_what_moved_is_read_from_beliefs_before_and_after(spoken: Run, town: Network) -> None:
    levels = {
        (row["agent"], row["claim"], row["timestep"]): row["level"]
        for row in Reader(spoken).rows("events/r1.play/beliefs-*.parquet", (), arm="ai")
        if row["replica"] == 0
    }
    rows = Reader(spoken).rows("events/r1.play/messages-*.parquet", (), arm="ai", kind="statement")
    claims = {(r["speaker"], r["listener"], r["timestep"]): r["claim"] for r in rows if r["replica"] == 0}
    tie = next(tie for tie in town.ties if tie.moved)
    claim = claims[tie.source, tie.target, tie.step]
    theirs, before, after = (
        levels[who, claim, t]
        for who, t in ((tie.source, tie.step - 1), (tie.target, tie.step - 1), (tie.target, tie.step))
    )
    assert tie.moved == pytest.approx((after - before) * np.sign(theirs - before))


def test_newcomers_take_the_ties_of_their_seat(town: Network) -> None:
    came = {node.id for node in town.nodes if node.traits.get("came") == "later"}
    assert came
    first = {end for tie in town.ties if (tie.kind, tie.step) == (KNOWS, 0) for end in (tie.source, tie.target)}
    assert not first & came
    later = {end for tie in town.ties if (tie.kind, tie.step) == (KNOWS, 3) for end in (tie.source, tie.target)}
    assert later & came
    assert len([t for t in town.ties if (t.kind, t.step) == (KNOWS, 0)]) == len(
        [t for t in town.ties if (t.kind, t.step) == (KNOWS, 3)]
    )


def test_a_card_becomes_attributes() -> None:
    assert traits_of("Name: Ada\nSex: female\nI am calm: very.\nHolds dear: peace") == {
        "Sex": "female",
        "Holds dear": "peace",
    }
    assert traits_of(HOSTILE) == {}


def test_a_step_a_kind_and_an_ego_narrow_the_ties(town: Network) -> None:
    one = part(town, step=2, kinds=[HEARD])
    assert {(tie.kind, tie.step) for tie in one} == {(HEARD, 2)}
    who = one[0].source
    near = part(town, step=2, kinds=[HEARD], ego=who)
    assert 0 < len(near) <= len(one)
    touched = {end for tie in near for end in (tie.source, tie.target)}
    for tie in near:
        assert who in (tie.source, tie.target) or {tie.source, tie.target} <= touched
    assert part(town, step=99, kinds=town.kinds) == ()
    assert degrees([Tie(source="a", target="b", kind="x", step=k) for k in (1, 2)]) == {"a": 1, "b": 1}


def test_arms_share_places_and_no_node_ever_jumps(spoken: Run, town: Network, tmp_path: Path) -> None:
    other = network_of(Reader(spoken), "town r1.play frozen-000")
    assert town.key == other.key
    places = places_of(town, seed=3)
    assert places == places_of(other, seed=3)
    assert places != places_of(town, seed=4)
    assert places[AI_NODE] == (0.0, 0.0)
    assert max(abs(value) for place in places.values() for value in place) == pytest.approx(SCALE)
    run = Run.create(tmp_path, "x", {"name": "x"}, {})
    kept = layout(run, town, seed=3, may_write=True)
    (path,) = (run.folder / "layouts").iterdir()
    assert json.loads(path.read_text())["places"].keys() == kept.keys()
    assert layout(run, town, seed=99, may_write=True) == kept
    path.write_text("{torn")
    assert layout(run, town, seed=3, may_write=False) == kept
    assert path.read_text() == "{torn"


def test_a_run_that_cannot_be_written_to_is_drawn_all_the_same(tmp_path: Path, town: Network) -> None:
    run = make_run(tmp_path)
    (run.folder / "layouts").write_text("a file where the folder would be")
    assert layout(run, town, seed=3, may_write=True) == places_of(town, seed=3)


def test_newcomers_find_a_place_and_the_others_keep_theirs() -> None:
    small, large = pairs(20), pairs(24)
    before = places_of(small, seed=1)
    after = places_of(large, before, seed=1)
    assert {name: after[name] for name in before} == before
    assert len(after) == 24


def test_colours_do_not_change_from_step_to_step(town: Network) -> None:
    assert town.attributes == ("Sex", "Place", "came", "belief: honesty", "belief: law")
    attribute = "belief: honesty"
    assert [g.name for g in charts.grouping(town.nodes, attribute, 0)[0][:5]] == list(charts.STANCE_BINS)
    first, _ = charts.grouping(town.nodes, "Sex", 0)
    last, home = charts.grouping(town.nodes, "Sex", 3)
    assert first == last
    assert home[AI_NODE] == charts.UNKNOWN
    many = [Node(id=str(n), name="", traits={"job": f"job {n % 20:02d}"}) for n in range(60)]
    groups, home = charts.grouping(many, "job", None)
    assert len(groups) == len(charts.PALETTE)
    assert charts.OTHERS in home.values()
    assert len({(g.colour, g.symbol) for g in groups}) == len(groups)
    assert stance_at(Node(id="a", name="", stances={"x": {1: 0.5, 3: 0.9}}), "x", 2) == 0.5
    assert stance_at(Node(id="a", name="", stances={"x": {1: 0.5}}), "x", 0) is None


def test_the_chart_is_plain_json_and_its_twin_says_the_same(town: Network) -> None:
    ties = part(town, step=1, kinds=[HEARD, ASKED])
    places = places_of(town, seed=0)
    spec = charts.network_chart(town, ties, places, attribute="belief: law", step=1)
    (series,) = spec["series"]
    assert json.loads(json.dumps(spec)) == spec
    assert series["layout"] == "none"
    assert series["selectedMode"] == "single"
    frame = charts.nodes_frame(town, ties, "belief: law", 1)
    assert {node["id"]: node["value"] for node in series["data"]} == dict(frame.select("node", "degree").iter_rows())
    assert charts.ties_frame(town, ties).height == len(ties)
    ego = ties[0].source
    near = part(town, step=1, kinds=[HEARD, ASKED], ego=ego)
    alone = charts.network_chart(town, near, places, attribute="came", step=1, ego=ego)["series"][0]
    spots = {n["id"]: (n["x"], n["y"]) for n in series["data"]}
    assert {n["id"]: (n["x"], n["y"]) for n in alone["data"] if n["id"] in spots} == spots
    faint = {n["id"] for n in alone["data"] if n["itemStyle"].get("opacity") == charts.FAINT}
    assert faint
    assert not faint & {end for tie in near for end in (tie.source, tie.target)}
    said = charts.network_finding(town, ties, "belief: law", 1)
    assert f"{len(ties)} ties at timestep 1" in said
    assert "% of all pairs do" in said


def test_ties_within_groups_are_held_against_chance() -> None:
    said = charts.network_finding(pairs(20), pairs(20).ties, "camp", None)
    assert "95 % of n = 42 ties join people of one group by camp; 47 % of all pairs do" in said


def test_a_crowd_is_shown_as_communities() -> None:
    crowd = pairs(2 * MOST_NODES // 2 + 400, camps=4)
    assert len(crowd.nodes) > MOST_NODES
    found = communities(crowd, seed=1)
    assert sum(node.size for node in found.nodes) == len(crowd.nodes)
    assert 1 < len(found.nodes) < 200
    assert found == communities(crowd, seed=1)
    assert {tie.source for tie in found.ties} <= {node.id for node in found.nodes}
    spec = charts.network_chart(found, found.ties, places_of(found), attribute="camp", step=None)
    assert max(node["symbolSize"] for node in spec["series"][0]["data"]) <= 60


def test_an_assembly_holds_tables_and_who_moved_whom(hall: Run) -> None:
    name = next(one for one in network_names(Reader(hall)) if one.endswith(" full"))
    found = network_of(Reader(hall), name)
    assert {SAT, MOVED} <= set(found.kinds)
    seats = Reader(hall).rows("events/r1.play/seats-*.parquet", (), arm="full")
    tables: dict[tuple[int, int], int] = {}
    for row in seats:
        tables[row["round"], row["table"]] = tables.get((row["round"], row["table"]), 0) + 1
    assert sum(tie.kind == SAT for tie in found.ties) == sum(n * (n - 1) // 2 for n in tables.values())
    rows = Reader(hall).rows("events/r1.play/influences-*.parquet", (), arm="full")
    moved = [(t.source, t.target, t.moved) for t in found.ties if t.kind == MOVED]
    citizens = {node.id for node in found.nodes}
    assert moved == [(r["speaker"], r["citizen"], r["change"]) for r in rows if r["speaker"] in citizens]
    assert "agrees with: affirming" in found.attributes
    assert found.steps == {1: "round 1"}


def test_a_scene_holds_whom_acts_reached_and_whom_not(tmp_path: Path) -> None:
    run = make_run(tmp_path, text=HOSTILE)
    names = network_names(Reader(run))
    assert names == [f"scene r1.play scene-{n}" for n in range(5)]
    found = network_of(Reader(run), names[0])
    assert {(t.source, t.target) for t in found.ties if (t.kind, t.step) == (PERCEIVED, 1)} == {("ego", "r1")}
    assert {(t.source, t.target) for t in found.ties if (t.kind, t.step) == (MISSED, 1)} == {("ego", "r2")}
    assert {node.traits["role"] for node in found.nodes} == {"ego", "others"}


def test_other_names_are_no_network(hall: Run) -> None:
    with pytest.raises(ValueError, match="no network"):
        network_of(Reader(hall), "elsewhere r1.play x")


def camps(num: int = 40) -> Opinions:
    """Two camps on three items that drift apart along the first item; one item nobody differs on."""
    rng = np.random.default_rng(5)
    side = np.where(np.arange(num) % 2, 1.0, -1.0)
    noise = rng.normal(0, 0.03, (3, num, 4))
    values = 0.5 + np.stack([np.outer(side * t, [0.1, 0.05, 0.0, 0.0]) for t in (1, 2, 3)]) + noise
    values[..., 3] = 0.5
    return Opinions(name="made", times=("a", "b", "c"), people=tuple(f"p{n}" for n in range(num)),
                    items=("w", "x", "y", "z"), values=values)  # fmt: skip


def test_camps_are_found_and_the_axes_say_what_they_hold() -> None:
    found = opinion_map(camps(), seed=1)
    assert found is not None
    assert sorted(map(found.groups.count, ("A", "B"))) == [20, 20]
    assert {found.groups[n] for n in range(0, 40, 2)} != {found.groups[n] for n in range(1, 40, 2)}
    assert found.explained[0] > 0.8
    assert sum(found.explained) > found.chance
    assert found.silhouette > found.chance_silhouette
    assert abs(found.loadings[0][0]) > abs(found.loadings[0][1]) > abs(found.loadings[0][3])
    points = points_frame(found, 2)
    before = points_frame(found, 1)
    assert points["before x"].to_list() == before["x"].to_list()
    assert points_frame(found, 0)["moved"].null_count() == 40
    assert opinion_chart(points, hulls_frame(points, ["A", "B"]), order=["A", "B"], ends=frame_of(found),
                         explained=found.explained).to_dict()["layer"]  # fmt: skip
    said = map_finding(found, 2, points)
    assert "n = 40 people at c, 4 items" in said
    assert "shuffled" in said
    assert "Since b n = 40 people moved" in said


def test_two_components_are_those_of_the_covariance() -> None:
    table = np.random.default_rng(2).normal(size=(30, 5)) * [3, 2, 1, 1, 1]
    axes, shares, stands = components(table)
    values, vectors = np.linalg.eigh(np.cov(table.T))
    assert shares == pytest.approx(values[::-1][:2] / values.sum())
    assert abs(axes[0] @ vectors[:, -1]) == pytest.approx(1.0)
    assert stands == pytest.approx((table - table.mean(axis=0)) @ axes.T)
    gone = table.copy()
    gone[0, 1:] = np.nan
    assert np.isfinite(components(gone)[2]).all()


def test_too_little_is_no_map() -> None:
    few = camps(4)
    same = Opinions(name="x", times=few.times, people=few.people, items=few.items, values=np.full((3, 4, 4), 0.5))
    assert opinion_map(same) is None
    three = Opinions(name="x", times=few.times, people=few.people[:3], items=few.items, values=few.values[:, :3])
    assert opinion_map(three) is None
    away = few.values.copy()
    away[2, 0] = np.nan
    gone = opinion_map(Opinions(name="x", times=few.times, people=few.people, items=few.items, values=away))
    assert gone is not None
    assert points_frame(gone, 2).height == 3


def test_beliefs_probes_and_votes_are_read(spoken: Run, hall: Run) -> None:
    (beliefs,) = opinions_of(Reader(spoken), "town r1.play ai-000")
    assert beliefs.values.shape[0] == 4
    assert beliefs.items == ("honesty", "law")
    rows = Reader(spoken).rows("events/r1.play/beliefs-*.parquet", (), arm="ai", agent=beliefs.people[0], claim="law")
    own = {row["timestep"]: row["level"] for row in rows if row["replica"] == 0}
    assert beliefs.values[1, 0, 1] == pytest.approx(own[1])
    name = next(one for one in opinion_names(Reader(hall)) if one.endswith(" full"))
    found = {one.name: one for one in opinions_of(Reader(hall), name)}
    assert found[PROBES].times[0] == "before"
    assert found[PROBES].times[-1] == "after"
    assert len(found[WRITTEN].items) == 6
    assert opinion_map(found[WRITTEN]) is not None


def test_a_torn_table_leaves_the_rest(tmp_path: Path) -> None:
    run = make_live(tmp_path)
    (run.folder / "events" / "r1.play" / "beliefs-00000.parquet").write_bytes(b"PAR1 torn")
    messages = run.folder / "events" / "r1.play" / "messages-00000.parquet"
    pl.read_parquet(messages).drop("claim").write_parquet(messages)
    reader = Reader(run)
    found = network_of(reader, "town r1.play ai-000")
    assert found.ties
    assert all(not node.stances for node in found.nodes)
    assert any("beliefs-00000" in one for one in reader.problems)
    assert opinions_of(Reader(run), "town r1.play ai-000") == []
