"""The self-alignment loop as a graph: durable after every node, drawable, with a place for a person at the gate.

LangGraph holds the order of the verbs and the small state between them (SQLite, plain types, no pickles); the verbs
stand in `nodes.py`, and everything large is a file of the run.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from selfalign.loop import nodes
from selfalign.loop.nodes import State
from selfalign.loop.workshop import Workshop
from selfalign.policy.store import BASE
from sim.stage import Stopped

STEPS = ("measure_before", "simulate", "build", "label", "train", "measure_after", "gate")
THREAD = {"configurable": {"thread_id": "loop"}}
NODES_A_ROUND = 12


def loop_graph(shop: Workshop, checkpointer: Any = None) -> Any:
    """Return the compiled graph over a workshop."""
    os.environ["LANGSMITH_TRACING"] = "false"
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import interrupt

    def node(name: str) -> Any:
        verb = getattr(nodes, name)

        def run(state: State) -> State:
            shop.session.run.write_status(loop={"round": state["round"], "node": name, "current": state["current"]})
            return cast(State, verb(shop, state))

        return run

    def approve(state: State) -> State:
        key = f"r{state['round']}"
        answer = shop.approvals.get(key)
        if answer is None:
            # Everything before the interrupt runs again on resume, so nothing is written before it.
            answer = interrupt({"round": state["round"], "candidate": state["candidate"], "gate": state["verdict"]})
            shop.approve(state["round"], answer)
        return {"verdict": "promote" if answer == "yes" else "reject"}

    def after_gate(state: State) -> str:
        return "approve" if shop.loop.approve else state["verdict"]

    def after_decision(state: State) -> str:
        return "next_round" if nodes.goes_on(shop, state) else END

    graph = StateGraph(State)
    for name in (*STEPS, "promote", "reject", "watch", "next_round"):
        graph.add_node(name, node(name))
    graph.add_node("approve", approve)
    graph.add_edge(START, STEPS[0])
    for left, right in pairwise(STEPS):
        graph.add_edge(left, right)
    graph.add_conditional_edges("gate", after_gate, ["approve", "promote", "reject"])
    graph.add_conditional_edges("approve", lambda state: state["verdict"], ["promote", "reject"])
    graph.add_edge("promote", "watch")
    graph.add_edge("reject", "watch")
    graph.add_conditional_edges("watch", after_decision, ["next_round", END])
    graph.add_edge("next_round", STEPS[0])
    return graph.compile(checkpointer=checkpointer)


def run_loop(shop: Workshop) -> State:
    """Run the loop to its end, from wherever it was left; return its last state.

    Raises Stopped when a person is waited for, and whatever a node raises; running again goes on at that node.
    """
    with _saver(shop.folder / "loop.sqlite") as saver:
        graph = loop_graph(shop, saver)
        config = {**THREAD, "recursion_limit": NODES_A_ROUND * max(1, shop.loop.num_rounds) + 1}
        snapshot = graph.get_state(config)
        if snapshot.values and not snapshot.next:
            if not nodes.goes_on(shop, snapshot.values):
                return cast(State, dict(snapshot.values))
            # It ended under other settings, such as fewer rounds: what follows the last decision is asked again.
            decided = "promote" if snapshot.values["decision"] == "promoted" else "reject"
            graph.update_state(config, {"decision": snapshot.values["decision"]}, as_node=decided)
            snapshot = graph.get_state(config)
        given: Any = {"round": 1, "current": BASE, "history": []} if not snapshot.values else None
        if snapshot.interrupts and f"r{snapshot.values['round']}" not in shop.approvals:
            raise _waiting(shop, dict(snapshot.values))
        graph.invoke(given, config, durability="sync")
        snapshot = graph.get_state(config)
        if snapshot.interrupts:
            raise _waiting(shop, dict(snapshot.values))
        return cast(State, dict(snapshot.values))


def waiting_round(shop: Workshop) -> int | None:
    """Return the round whose gate waits for a person, or None."""
    path = shop.folder / "loop.sqlite"
    if not path.exists():
        return None
    with _saver(path) as saver:
        snapshot = loop_graph(shop, saver).get_state(THREAD)
        return int(snapshot.values["round"]) if snapshot.interrupts else None


def mermaid(shop: Workshop) -> str:
    """Return the drawing of the loop."""
    return str(loop_graph(shop).get_graph().draw_mermaid())


def _waiting(shop: Workshop, state: dict[str, Any]) -> Stopped:
    return Stopped(
        f"round {state['round']} waits for a person: the gate says {state['verdict']} for {state['candidate']}; "
        f"decide with `folkmoot align {shop.folder} approve=yes` (or approve=no)"
    )


@contextmanager
def _saver(path: Path) -> Iterator[Any]:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        yield SqliteSaver(connection, serde=JsonPlusSerializer(pickle_fallback=False))
    finally:
        connection.close()
