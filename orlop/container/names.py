"""Container names: the grammar Docker accepts and generated `adjective_surname` pairs.

The surnames honour people of science and engineering. As in Docker one pair is never given.
"""

from __future__ import annotations

import re
import secrets

from orlop.errors import InvalidArgument

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", re.ASCII)
_FORBIDDEN = "boring_wozniak"  # Steve Wozniak is not boring

ADJECTIVES = tuple(
    """
    able agile amiable ample ardent attentive aware balmy bold bonny breezy brisk bright buoyant
    calm candid careful cheerful civil clear clever composed constant cordial crisp curious dapper
    daring dauntless deft diligent discreet dreamy eager earnest easy elated elegant eloquent
    exact fair faithful festive fluent fond frank frugal gallant gentle genial gifted glad gleeful
    graceful gracious grateful handy hardy hearty helpful honest hopeful humble jaunty jolly jovial
    joyful keen kind lively loyal lucid lucky mellow merry mindful modest neat nimble noble patient
    placid playful plucky poised polite prudent quaint quick quiet radiant ready resolute robust
    serene sharp sincere sleek smiling snappy sober spirited spry stalwart steady sterling stoic
    sturdy suave sunny supple swift tactful tender thorough thrifty tidy tranquil trusty upbeat
    valiant vivid warm watchful whimsical willing winsome wise witty worthy zealous zesty
    """.split()
)

SURNAMES = tuple(
    """
    abbe abel adanson agnesi airy alembert alhazen ampere angstrom apgar appleton archimedes
    aristarchus arrhenius avicenna avogadro babbage backus baird banach bardeen barrow bartik
    bassi becquerel beaufort bell bernoulli berzelius bessel betti biot birkhoff boltzmann bondi
    boole borel born bose boyle bragg brahe braille brattain bunsen burnell cajal cannon cantor
    carnot carson cauchy cavendish cayley celsius chadwick chandra chatelet chebyshev clausius
    compton conway copernicus coriolis coulomb crick curie dalton darwin davy debye dedekind
    descartes dewar dijkstra diophantus dirac doppler eckert eddington edison ehrenfest einstein
    eratosthenes erdos euclid euler faraday fermat fermi fibonacci fischer fleming floyd foucault
    fourier franklin frege fresnel galileo galois gauss germain gibbs goddard godel goldbach
    goodall grassmann hadamard halley hamilton hamming hardy hedy heisenberg helmholtz henry
    hermite hero hertz herschel hess hilbert hipparchus hodgkin hollerith hooke hopper hubble
    humboldt huygens hypatia jacobi jacquard jenner joliot joule kelvin kepler khayyam kilby
    kirchhoff kleene knuth koch kovalevskaya lagrange lamarr lamport landau laplace lavoisier
    lawrence leavitt lebesgue legendre leibniz linnaeus liouville lise lorentz lovelace lyell mach
    malpighi marconi margulis markov maxwell mayer mccarthy mcclintock meitner mendel mendeleev
    mercator michelson millikan minkowski mirzakhani moseley napier nash neumann newell newton
    noether noyce oersted ohm oppenheimer ostwald papin pascal pasteur pauli pauling peano perlman
    perrin planck poincare poisson ptolemy pythagoras raman ramanujan rayleigh riemann ritchie
    roentgen rubin rutherford salk sagan schrodinger seaborg semmelweis shannon shockley siemens
    sinoussi somerville stallman stokes swirles tarski tesla thales thomson torricelli torvalds
    tu turing vesalius villani viete volta wallace watt weber wegener weierstrass wiener wien wiles
    wozniak wright wu yalow yonath young yukawa zhang zuse
    """.split()
)


def check(name: str) -> str:
    """The name without a leading slash. Raises InvalidArgument with Docker's text."""
    bare = name.removeprefix("/")
    if _NAME.fullmatch(bare) is None:
        raise InvalidArgument(
            f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        )
    return bare


def generate(attempt: int = 0) -> str:
    """A random name; later attempts carry a digit, as Docker's do after a collision."""
    while True:
        name = f"{secrets.choice(ADJECTIVES)}_{secrets.choice(SURNAMES)}"
        if name != _FORBIDDEN:
            return name if attempt == 0 else f"{name}{secrets.randbelow(10)}"
