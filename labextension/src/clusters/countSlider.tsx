import React, { useState } from 'react';

export interface ICountSliderProps {
  label: string;
  max: number;
  onCommit: (count: number) => void;
  value: number;
}

/**
 * A number that is taken where the slider is let go, by pointer or key. Every number on the way
 * would be an order.
 */
export function CountSlider(props: ICountSliderProps): React.JSX.Element {
  const { label, max, onCommit, value } = props;
  const [draft, setDraft] = useState<number | null>(null);
  const commit = () => {
    setDraft(null);
    if (draft !== null && draft !== value) {
      onCommit(draft);
    }
  };
  return (
    <input
      aria-label={label}
      className="jp-sandlot-Slider"
      max={max}
      min={0}
      onBlur={commit}
      onChange={event => {
        setDraft(event.target.valueAsNumber);
      }}
      onKeyUp={commit}
      onPointerUp={commit}
      step={1}
      title={String(draft ?? value)}
      type="range"
      value={draft ?? value}
    />
  );
}
