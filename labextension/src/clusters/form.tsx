import React, { useCallback, useState } from 'react';

import { Problem } from '../shared/problem';
import type { Availability, ClusterOptions } from '../wire';
import { fitChoice, imageOf, sizesFor } from './choice';
import type { IContextProps } from './context';
import * as texts from './texts';
import type { IClusterChoice } from './tokens';
import { useLoaded } from './useLoaded';

const FEW_WORKERS = 4;

export interface IFormProps extends IContextProps {
  onCreate: (choice: IClusterChoice) => void;
}

/**
 * What a new cluster is made of, for who wants another one than the last.
 */
export function ClusterForm(props: IFormProps): React.JSX.Element {
  const { api, trans } = props.context;
  const load = useCallback(() => api.options(), [api]);
  const { again, error, value } = useLoaded(load);
  if (error) {
    return <Problem error={error} onRetry={again} trans={trans} />;
  }
  return value ? (
    <Form {...props} options={value} />
  ) : (
    <p aria-busy="true">{trans.__('Asking what there is…')}</p>
  );
}

interface IPartProps extends IFormProps {
  change: (changes: Partial<IClusterChoice>) => void;
  choice: IClusterChoice;
  options: ClusterOptions;
}

function Form(
  props: IFormProps & { options: ClusterOptions }
): React.JSX.Element {
  const { context, onCreate, options } = props;
  const { trans } = context;
  const serverImage = context.serverImage();
  const [draft, setDraft] = useState(() => context.choice());
  const choice = fitChoice(draft, options, serverImage);
  const change = (changes: Partial<IClusterChoice>) => {
    setDraft({ ...choice, ...changes });
  };
  const parts = { ...props, change, choice };
  return (
    <form
      aria-label={trans.__('New cluster')}
      className="jp-sandlot-Form"
      onSubmit={event => {
        event.preventDefault();
        onCreate(choice);
      }}
    >
      <Images {...parts} />
      <Sizes {...parts} />
      <Workers {...parts} />
      <div className="jp-sandlot-Row">
        <button className="jp-sandlot-Button jp-mod-primary" type="submit">
          {trans.__('Create cluster')}
        </button>
        <small>{texts.limitsText(options, trans)}</small>
      </div>
    </form>
  );
}

function Images(props: IPartProps): React.JSX.Element {
  const { change, choice, context, options } = props;
  const { trans } = context;
  const own = options.images.find(
    image => image.slug === context.serverImage()
  );
  return (
    <label>
      {trans.__('Image')}
      <select
        onChange={event => {
          change({ image: event.target.value });
        }}
        value={choice.image}
      >
        <option value="">
          {own
            ? trans.__('The one of this server (%1)', texts.imageText(own))
            : trans.__('The first that there is')}
        </option>
        {options.images.map(image => (
          <option key={image.slug} value={image.slug}>
            {texts.imageText(image)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Sizes(props: IPartProps): React.JSX.Element {
  const { change, choice, context, options } = props;
  const { trans } = context;
  const image = imageOf(choice, options, context.serverImage());
  const free = useAvailability(props);
  return (
    <fieldset>
      <legend>{trans.__('Each worker')}</legend>
      {sizesFor(image, options).map(size => (
        <label className="jp-sandlot-Check" key={size.slug}>
          <input
            checked={choice.workerSize === size.slug}
            name="sandlot-worker-size"
            onChange={() => {
              change({ workerSize: size.slug });
            }}
            type="radio"
          />
          {texts.offeredText(size, free, trans)}
        </label>
      ))}
    </fieldset>
  );
}

/**
 * What is free of accelerators; null without any, and when that is not known.
 */
function useAvailability({
  context: { api },
  options
}: IPartProps): Availability | null {
  const wanted = options.sizes.some(({ accelerator }) => accelerator !== null);
  const load = useCallback(
    () => (wanted ? api.availability() : Promise.resolve(null)),
    [api, wanted]
  );
  return useLoaded(load).value;
}

function Workers(props: IPartProps): React.JSX.Element {
  const { change, choice, context, options } = props;
  const { trans } = context;
  const { adaptive, workers } = choice;
  const most = options.limits.workers;
  return (
    <fieldset>
      <legend>{trans.__('Workers')}</legend>
      {adaptive ? (
        <div className="jp-sandlot-Row">
          <Count
            label={trans.__('Least')}
            max={adaptive.maximum}
            onChange={minimum => {
              change({ adaptive: { ...adaptive, minimum } });
            }}
            value={adaptive.minimum}
          />
          <Count
            label={trans.__('Most')}
            max={most}
            onChange={maximum => {
              change({ adaptive: { ...adaptive, maximum } });
            }}
            value={adaptive.maximum}
          />
        </div>
      ) : (
        <Count
          label={trans.__('Number')}
          max={most}
          onChange={count => {
            change({ workers: count });
          }}
          value={workers}
        />
      )}
      <label className="jp-sandlot-Check">
        <input
          checked={adaptive !== null}
          onChange={event => {
            const maximum = most ?? Math.max(workers, FEW_WORKERS);
            change({
              adaptive: event.target.checked ? { maximum, minimum: 0 } : null
            });
          }}
          type="checkbox"
        />
        {trans.__('adapt to the work')}
      </label>
    </fieldset>
  );
}

function Count(props: {
  label: string;
  max: number | null;
  onChange: (count: number) => void;
  value: number;
}): React.JSX.Element {
  const { label, max, onChange, value } = props;
  return (
    <label className="jp-sandlot-Check">
      {label}
      <input
        className="jp-sandlot-Count"
        max={max ?? undefined}
        min={0}
        onChange={event => {
          const { valueAsNumber } = event.target;
          if (Number.isInteger(valueAsNumber) && valueAsNumber >= 0) {
            onChange(valueAsNumber);
          }
        }}
        step={1}
        type="number"
        value={value}
      />
    </label>
  );
}
